//! What the mapping says, as the library's attribution.

use access_log::{EventsCounted, Mapping, ObjectsRead, SetsCounted, UnitCounted};
use output_port_usage::{
    AccessedObjects, Attribution, ConsumerId, CountedUnit, Error, IcebergEvents, OutputPortId,
    OverlappingSets, TechAssetId,
};

/// The attribution of a mapping.
///
/// # Errors
///
/// A text that is no name in Snowflake, a user or role of two consumers.
pub(crate) fn of(mapping: &Mapping) -> Result<Attribution, Error> {
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
