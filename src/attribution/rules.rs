//! Fingerprints of the rules by which an attribution counts.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{AccessedObjects, Attribution, CountedUnit, IcebergEvents, OverlappingSets, SetKind};
use crate::hash::Fnv1a128;
use crate::id::OutputPortId;
use crate::usage::Rules;

impl Attribution {
    /// A fingerprint of the rules for each output port.
    ///
    /// It changes with everything that can change what an output port's queries, touches and combinations are counted
    /// from: its tech assets and their objects, schemas and databases, what overlapping sets count for, the users and
    /// roles of all consumers, excluded users, its producers, the object domains, the time zone's name, which list of
    /// objects counts, the unit and which events of external engines count. It does not change with the order in
    /// which these were given, with the output ports of others (unless the most specific of overlapping sets counts, where each may take objects from another), or with
    /// newer rules of the same time zone. It stays
    /// the same in every release: it is the 128-bit FNV-1a hash of these texts and ids, in a fixed order, each after
    /// its length.
    ///
    /// ```
    /// # use output_port_usage::{Attribution, ConsumerId, OutputPortId, TechAssetId};
    /// # use uuid::Uuid;
    /// # let (port, asset) = (OutputPortId(Uuid::from_u128(1)), TechAssetId(Uuid::from_u128(11)));
    /// # let consumer = ConsumerId(Uuid::from_u128(21));
    /// let builder = Attribution::builder()
    ///     .object("sales.public.orders", asset)
    ///     .tech_asset(asset, [port])
    ///     .role("finance_reader", consumer);
    /// let rules = builder.clone().build()?.rules();
    /// let one_more = builder.user("ana", consumer).build()?.rules();
    /// assert_ne!(rules.of(port), one_more.of(port));
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn rules(&self) -> Rules {
        let all = self.rules_of_all();
        let mut of_ports: BTreeMap<OutputPortId, Fingerprint> =
            self.output_ports().into_iter().map(|port| (port, all)).collect();
        for (port, consumer) in self.producers() {
            if let Some(fingerprint) = of_ports.get_mut(&port) {
                fingerprint.text("producer").id(consumer.0);
            }
        }
        for (kind, name, port, asset) in self.set_map() {
            if let Some(fingerprint) = of_ports.get_mut(&port) {
                fingerprint.text(kind_of(kind)).text(name).id(asset.0);
            }
        }
        Rules::new(of_ports.into_iter().map(|(port, fingerprint)| (port, fingerprint.finish())))
    }

    /// What counts for every output port.
    fn rules_of_all(&self) -> Fingerprint {
        let mut all = Fingerprint(Fnv1a128::new());
        all.text("output-port-usage rules 1");
        all.text(match self.accessed_objects {
            AccessedObjects::Direct => "direct",
            AccessedObjects::Base => "base",
        });
        all.text(match self.counted_unit {
            CountedUnit::Statement => "statement",
            CountedUnit::RootQuery => "root_query",
        });
        all.text("time_zone").text(self.time_zone.name());
        for domain in &self.object_domains {
            all.text("object_domain").text(domain);
        }
        for user in &self.excluded_users {
            all.text("excluded_user").text(user);
        }
        for (kind, name, consumer) in self.consumer_map() {
            all.text(kind.as_str()).text(name).id(consumer.0);
        }
        match self.overlapping_sets() {
            OverlappingSets::CountAll => all.text("count_all"),
            // a more specific set of another output port takes its objects from this one's
            OverlappingSets::MostSpecific => {
                all.text("most_specific");
                for (kind, name, asset) in self.sets.iter() {
                    all.text(kind_of(kind)).text(name).id(asset.0);
                }
                &mut all
            }
        };
        match self.iceberg_events {
            IcebergEvents::Every => {}
            IcebergEvents::TableLoads => _ = all.text("iceberg_table_loads"),
        }
        all
    }
}

/// Written out, because the fingerprint may never change.
fn kind_of(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Object => "object",
        SetKind::Schema => "schema",
        SetKind::Database => "database",
    }
}

#[derive(Clone, Copy)]
struct Fingerprint(Fnv1a128);

impl Fingerprint {
    /// Its length first, so that no two lists of texts read alike.
    fn text(&mut self, text: &str) -> &mut Self {
        self.0.write(&(text.len() as u64).to_be_bytes());
        self.0.write(text.as_bytes());
        self
    }

    fn id(&mut self, id: Uuid) -> &mut Self {
        self.0.write(id.as_bytes());
        self
    }

    fn finish(self) -> Uuid {
        Uuid::from_u128(self.0.finish())
    }
}
