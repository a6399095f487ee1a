//! Mapping files, as the quickstart reads them.

use access_log::{EventsCounted, Mapping, ObjectsRead, SetsCounted, UnitCounted};
use output_port_usage::{
    AccessedObjects, Attribution, ConsumerId, CountedUnit, Error, IcebergEvents, OutputPortId,
    OverlappingSets, TechAssetId,
};

use crate::attribution;
use crate::text::assert_printable;

/// Bytes as a mapping: refused with a message that names the entry, or read again as it is written.
pub fn mapping_files(data: &[u8]) {
    let mapping = match Mapping::read(data) {
        Ok(mapping) => mapping,
        Err(error) => {
            let message = error.to_string();
            let obeyed = message.chars().find(|char| char.is_control());
            assert!(obeyed.is_none(), "a message holds {obeyed:?}: {message:?}");
            return;
        }
    };
    let written = serde_json::to_vec(&mapping).expect("a mapping is JSON");
    assert_eq!(Mapping::read(&*written).expect("its own JSON is a mapping"), mapping);
    match of(&mapping) {
        Ok(attribution) => {
            let ports = mapping.tech_assets.iter().flat_map(|asset| &asset.output_ports);
            assert_eq!(attribution.output_ports(), ports.copied().map(OutputPortId).collect());
            attribution::check(&attribution, &[]);
        }
        Err(error) => {
            assert!(error.is_mapping(), "{error}");
            assert_printable(&error.to_string());
        }
    }
}

fn of(mapping: &Mapping) -> Result<Attribution, Error> {
    let mut builder = Attribution::builder()
        .time_zone(mapping.time_zone.name())
        .accessed_objects(match mapping.objects {
            ObjectsRead::Direct => AccessedObjects::Direct,
            ObjectsRead::Base => AccessedObjects::Base,
        })
        .counted_unit(match mapping.unit {
            UnitCounted::Statement => CountedUnit::Statement,
            UnitCounted::RootQuery => CountedUnit::RootQuery,
        })
        .overlapping_sets(match mapping.overlapping_sets {
            SetsCounted::CountAll => OverlappingSets::CountAll,
            SetsCounted::MostSpecific => OverlappingSets::MostSpecific,
        })
        .iceberg_events(match mapping.iceberg_events {
            EventsCounted::Every => IcebergEvents::Every,
            EventsCounted::TableLoads => IcebergEvents::TableLoads,
        });
    if let Some(domains) = &mapping.object_domains {
        builder = builder.object_domains(domains);
    }
    for user in &mapping.excluded_users {
        builder = builder.exclude_user(user);
    }
    for port in &mapping.output_ports {
        if let Some(producer) = port.producer {
            builder = builder.producer(OutputPortId(port.id), ConsumerId(producer));
        }
    }
    for asset in &mapping.tech_assets {
        let id = TechAssetId(asset.id);
        for names in &asset.objects {
            builder = builder.objects(names, id);
        }
        builder = builder.tech_asset(id, asset.output_ports.iter().copied().map(OutputPortId));
    }
    for consumer in &mapping.consumers {
        let id = ConsumerId(consumer.id);
        for user in &consumer.users {
            builder = builder.user(user, id);
        }
        for role in &consumer.roles {
            builder = builder.role(role, id);
        }
    }
    builder.build()
}
