//! What the mapping says, as the library's attribution.

use output_port_usage::{
    AccessedObjects, Attribution, ConsumerId, CountedUnit, Error, IcebergEvents, OutputPortId,
    OverlappingSets, TechAssetId,
};

use crate::mapping::{EventsCounted, Mapping, ObjectsRead, SetsCounted, UnitCounted};

impl Mapping {
    /// The mapping as the library's attribution.
    ///
    /// # Errors
    ///
    /// A text that is no name in Snowflake, a user or role of two consumers.
    pub fn attribution(&self) -> Result<Attribution, Error> {
        let mut builder = Attribution::builder()
            .time_zone(self.time_zone.name())
            .accessed_objects(match self.objects {
                ObjectsRead::Direct => AccessedObjects::Direct,
                ObjectsRead::Base => AccessedObjects::Base,
            })
            .counted_unit(match self.unit {
                UnitCounted::Statement => CountedUnit::Statement,
                UnitCounted::RootQuery => CountedUnit::RootQuery,
            })
            .overlapping_sets(match self.overlapping_sets {
                SetsCounted::CountAll => OverlappingSets::CountAll,
                SetsCounted::MostSpecific => OverlappingSets::MostSpecific,
            })
            .iceberg_events(match self.iceberg_events {
                EventsCounted::Every => IcebergEvents::Every,
                EventsCounted::TableLoads => IcebergEvents::TableLoads,
            });
        if let Some(domains) = &self.object_domains {
            builder = builder.object_domains(domains);
        }
        for user in &self.excluded_users {
            builder = builder.exclude_user(user);
        }
        for port in &self.output_ports {
            if let Some(producer) = port.producer {
                builder = builder.producer(OutputPortId(port.id), ConsumerId(producer));
            }
        }
        for asset in &self.tech_assets {
            let id = TechAssetId(asset.id);
            for names in &asset.objects {
                builder = builder.objects(names, id);
            }
            builder = builder.tech_asset(id, asset.output_ports.iter().copied().map(OutputPortId));
        }
        for consumer in &self.consumers {
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
}
