//! A made-up portal: what there is to read, who reads, and how often.

use chrono::NaiveDate;

use crate::catalogue::{CONSUMERS, DOMAINS, MOST_ASSETS, OUTPUT_PORTS, numbered, person};
use crate::events::Events;
use crate::mapping::{
    Consumer, Domain, EventsCounted, Mapping, ObjectsRead, OutputPort, SetsCounted, TechAsset, UnitCounted,
};
use crate::random::{Random, running_totals};
use crate::shape::{Shape, ShapeError};
use crate::zone::Zone;

/// A made-up portal and the warehouse behind it.
#[derive(Debug, Clone)]
pub struct Portal {
    pub(crate) shape: Shape,
    pub(crate) first_day: NaiveDate,
    mapping: Mapping,
    objects: Vec<Object>,
    actors: Vec<Actor>,
    /// The tech assets of each output port.
    pub(crate) assets_of_port: Vec<Vec<u32>>,
    /// How much each output port is read, as running totals.
    pub(crate) port_totals: Vec<u64>,
    pub(crate) habits: Vec<Habit>,
    /// How much each consumer reads, as running totals.
    pub(crate) consumer_totals: Vec<u64>,
    pub(crate) strays: Strays,
}

/// Something that a query can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Snowflake's `objectDomain`: a table, a view, a stage.
    pub domain: &'static str,
    /// Snowflake's `objectId`; a stage has none here.
    pub id: Option<u64>,
    /// The full name, which Snowflake sometimes leaves out.
    pub name: Option<String>,
    /// The columns that queries read.
    pub columns: &'static [&'static str],
    /// The tables under a view, as places in [`Portal::objects`]; none for everything else.
    pub base: Vec<u32>,
    /// The tech asset that it is, as a place in the mapping's list.
    pub asset: Option<u32>,
}

/// A user with the role in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user: String,
    /// The role.
    pub role: String,
    /// The consumer that they are, as a place in the mapping's list; none for the scanner either.
    pub consumer: Option<u32>,
}

/// How a consumer reads.
#[derive(Debug, Clone)]
pub(crate) struct Habit {
    pub(crate) people: Vec<u32>,
    /// A service user, or the people's own tools.
    pub(crate) service: u32,
    /// `SYSTEM` with the consumer's role.
    pub(crate) task: Option<u32>,
    /// The favourite output ports, the first the most.
    pub(crate) ports: Vec<u32>,
    pub(crate) first_day: u32,
}

/// Actors and objects that no entry of the mapping stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strays {
    pub(crate) scanner: u32,
    pub(crate) unmapped_actors: Vec<u32>,
    pub(crate) unmapped_objects: Vec<u32>,
    pub(crate) stage: u32,
    pub(crate) unnamed: u32,
    pub(crate) truncated: u32,
    pub(crate) procedure: u32,
}

const SCANNER: &str = "CATALOG_SCANNER";
const COLUMNS: [&[&str]; 3] = [&["ID"], &["ID", "NAME"], &["ID", "DAY", "AMOUNT"]];

impl Portal {
    /// Makes up a portal of that shape.
    ///
    /// # Errors
    ///
    /// A shape with too little of something, or with days that leave the calendar.
    pub fn new(shape: Shape) -> Result<Self, ShapeError> {
        let first_day = shape.first_day()?;
        let mut random = Random::new(shape.seed);
        let mut portal = Self {
            shape,
            first_day,
            mapping: Mapping {
                time_zone: Zone::named("Europe/Brussels").expect("it is in the database"),
                objects: ObjectsRead::default(),
                overlapping_sets: SetsCounted::default(),
                iceberg_events: EventsCounted::default(),
                object_domains: None,
                unit: UnitCounted::default(),
                excluded_users: vec![SCANNER.to_owned()],
                domains: Vec::new(),
                output_ports: Vec::new(),
                tech_assets: Vec::new(),
                consumers: Vec::new(),
            },
            objects: Vec::new(),
            actors: Vec::new(),
            assets_of_port: vec![Vec::new(); shape.output_ports as usize],
            port_totals: Vec::new(),
            habits: Vec::new(),
            consumer_totals: Vec::new(),
            strays: Strays::default(),
        };
        portal.add_ports(&mut random);
        portal.add_assets(&mut random);
        portal.add_consumers(&mut random);
        portal.add_habits(&mut random);
        portal.add_strays();
        Ok(portal)
    }

    /// What the reader of this portal's log would write beside it.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What there is to read; the first are the tech assets, in the mapping's order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Who reads.
    pub fn actors(&self) -> &[Actor] {
        &self.actors
    }

    /// The log's queries in the order of its lines, made as they are asked for.
    pub fn events(&self) -> Events<'_> {
        Events::new(self)
    }

    fn add_ports(&mut self, random: &mut Random) {
        let count = self.shape.output_ports as usize;
        for index in 0..count {
            let (entry, turn) = (&OUTPUT_PORTS[index % OUTPUT_PORTS.len()], index / OUTPUT_PORTS.len());
            let name = numbered(entry.name.to_owned(), " ", turn);
            self.mapping.output_ports.push(OutputPort { id: random.id(), name, producer: None });
        }
        // A few are read much, many little, and every eighth hardly ever.
        let places = shuffled(count, random);
        self.port_totals = running_totals(places.into_iter().enumerate().map(|(index, place)| {
            let idle = index % OUTPUT_PORTS.len() == OUTPUT_PORTS.len() - 1;
            if idle { 24 } else { 200 + 4_000 / (place as u64 + 2) }
        }));
    }

    /// The first asset of every port, then the second, and so on, until there are enough.
    fn add_assets(&mut self, random: &mut Random) {
        let wanted = self.shape.tech_assets as usize;
        let ports = self.mapping.output_ports.len();
        let mut raw_tables = Vec::new();
        'enough: for round in 0.. {
            for port in 0..ports {
                if self.objects.len() == wanted {
                    break 'enough;
                }
                let (entry, turn) = (&OUTPUT_PORTS[port % OUTPUT_PORTS.len()], port / OUTPUT_PORTS.len());
                let database = numbered(entry.database.to_owned(), "_", turn);
                let index = self.objects.len();
                let (name, object, domain, also_in) = match entry.assets.get(round) {
                    Some(asset) => {
                        (asset.name.to_owned(), asset.object.to_owned(), asset.domain, asset.also_in)
                    }
                    None if round < MOST_ASSETS => continue,
                    None => (format!("Extract {round}"), format!("EXTRACT_{round}"), "Table", None),
                };
                let also_in =
                    also_in.map(|place| turn * OUTPUT_PORTS.len() + place).filter(|place| *place < ports);
                if domain == "View" {
                    raw_tables.push((index, port, format!("{database}.RAW.{}_FEED", entry.database)));
                }
                let object = format!("{database}.OUT.{object}");
                let parts = [Some(port), also_in];
                let of_ports: Vec<usize> = parts.into_iter().flatten().collect();
                for port in &of_ports {
                    self.assets_of_port[*port].push(index as u32);
                }
                self.mapping.tech_assets.push(TechAsset {
                    id: random.id(),
                    name: numbered(name, " ", turn),
                    objects: vec![object.clone()],
                    output_ports: of_ports
                        .into_iter()
                        .map(|port| self.mapping.output_ports[port].id)
                        .collect(),
                });
                let asset = self.object(domain, Some(object));
                self.objects[asset as usize].asset = Some(asset);
            }
        }
        // A view reads its port's first table, which is an asset, and a table that is none.
        for (view, port, name) in raw_tables {
            let raw = self.object("Table", Some(name));
            self.objects[view].base = vec![self.assets_of_port[port][0], raw];
        }
    }

    fn add_consumers(&mut self, random: &mut Random) {
        for index in 0..self.shape.domains as usize {
            let name = numbered(DOMAINS[index % DOMAINS.len()].to_owned(), " ", index / DOMAINS.len());
            self.mapping.domains.push(Domain { id: random.id(), name });
        }
        for index in 0..self.shape.consumers as usize {
            let name = numbered(CONSUMERS[index % CONSUMERS.len()].to_owned(), " ", index / CONSUMERS.len());
            let key = name.to_uppercase().replace(' ', "_");
            let (service, role) = (format!("SVC_{key}"), format!("{key}_RL"));
            let people: Vec<String> = (3 * index..3 * index + 3).map(person).collect();
            // In turn: known by its users, by its role, by both.
            let (users, roles) = match index % 3 {
                0 => ([people.as_slice(), std::slice::from_ref(&service)].concat(), vec![]),
                1 => (vec![], vec![role.clone()]),
                _ => (vec![service.clone()], vec![role.clone()]),
            };
            let role_in_use = if roles.is_empty() { "ANALYST" } else { &role };
            let consumer = Some(index as u32);
            let mut people: Vec<u32> =
                people.iter().map(|user| self.actor(user.clone(), role_in_use, consumer)).collect();
            if index % 3 == 0 && index + 1 < self.shape.consumers as usize {
                // A user goes before a role: with the next consumer's role she is still of this one.
                let next = numbered(
                    CONSUMERS[(index + 1) % CONSUMERS.len()].to_owned(),
                    " ",
                    (index + 1) / CONSUMERS.len(),
                );
                let role = format!("{}_RL", next.to_uppercase().replace(' ', "_"));
                people.push(self.actor(person(3 * index), &role, consumer));
            }
            let service = self.actor(service, if index % 3 == 2 { "LOADER" } else { role_in_use }, consumer);
            let task = (!roles.is_empty()).then(|| self.actor("SYSTEM".to_owned(), &role, consumer));
            let first_day = if index == 2 { self.shape.days * 3 / 5 } else { 0 };
            self.habits.push(Habit { people, service, task, ports: Vec::new(), first_day });
            let domain = Some(self.mapping.domains[index % self.mapping.domains.len()].id);
            self.mapping.consumers.push(Consumer { id: random.id(), name, domain, users, roles });
        }
        let places = shuffled(self.habits.len(), random);
        self.consumer_totals =
            running_totals(places.into_iter().map(|place| 200 + 6_000 / (place as u64 + 2)));
    }

    fn add_habits(&mut self, random: &mut Random) {
        for habit in &mut self.habits {
            let favourites = 2 + random.below(3);
            habit.ports = (0..favourites).map(|_| random.weighted(&self.port_totals) as u32).collect();
        }
        for (index, port) in self.mapping.output_ports.iter_mut().enumerate() {
            let turn = index / OUTPUT_PORTS.len();
            let producer = OUTPUT_PORTS[index % OUTPUT_PORTS.len()].producer;
            let producer = producer.map(|place| turn * CONSUMERS.len() + place);
            if let Some(producer) = producer.filter(|place| *place < self.habits.len()) {
                port.producer = Some(self.mapping.consumers[producer].id);
                self.habits[producer].ports.push(index as u32);
            }
        }
    }

    fn add_strays(&mut self) {
        let taken = self.mapping.tech_assets[0].objects[0].clone();
        self.strays = Strays {
            scanner: self.actor(SCANNER.to_owned(), "CATALOG_RL", None),
            unmapped_actors: ["INTERN_1", "INTERN_2", "BI_TRIAL"]
                .map(|user| self.actor(user.to_owned(), "PUBLIC", None))
                .to_vec(),
            unmapped_objects: [
                "SANDBOX_DB.TMP.EXPORT_1",
                "SANDBOX_DB.TMP.EXPORT_2",
                "REF_DB.PUBLIC.CALENDAR",
            ]
            .map(|name| self.object("Table", Some(name.to_owned())))
            .to_vec(),
            stage: self.object("Stage", Some(taken)),
            unnamed: self.object("Table", None),
            truncated: self.object("Table", Some("TRUNCATED".to_owned())),
            procedure: self.object("Procedure", Some("OPS_DB.JOBS.REFRESH".to_owned())),
        };
    }

    fn object(&mut self, domain: &'static str, name: Option<String>) -> u32 {
        let index = self.objects.len();
        let readable = domain.eq_ignore_ascii_case("Table") || domain == "View";
        self.objects.push(Object {
            domain,
            id: readable.then_some(1024 + 512 * index as u64),
            name,
            columns: if readable { COLUMNS[index % COLUMNS.len()] } else { &[] },
            base: Vec::new(),
            asset: None,
        });
        index as u32
    }

    fn actor(&mut self, user: String, role: &str, consumer: Option<u32>) -> u32 {
        self.actors.push(Actor { user, role: role.to_owned(), consumer });
        (self.actors.len() - 1) as u32
    }
}

/// Every place of a list once, in an order that is drawn.
fn shuffled(len: usize, random: &mut Random) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    for last in (1..len).rev() {
        places.swap(last, random.position(last + 1));
    }
    places
}
