//! A seeded access log of a made-up portal, and the mapping that a reader writes for a log of their own.
//!
//! [`Mapping`] says which object is which tech asset of which output ports, and which user or role is which
//! consumer; the quickstart reads it beside a log, and [`Mapping::attribution`] is what the library makes of it. [`Portal`] makes both up from a [`Shape`]: the same seed
//! gives the same bytes on every platform. [`Events`] are the log's queries as plain data, for benches that
//! want millions of them, and [`write_log`] writes them as lines shaped like Snowflake's `ACCESS_HISTORY`
//! joined to `QUERY_HISTORY`. [`MODEL`] and [`PARENTS`] are the portal's tables, and [`printable`] is for whoever
//! prints names and messages of a log, a mapping or a server.

mod attribution;
mod catalogue;
mod events;
mod line;
mod mapping;
mod model;
mod portal;
mod printable;
mod random;
mod shape;
mod zone;

pub use events::{Event, Events};
pub use line::write_log;
pub use mapping::{
    Consumer, Domain, EventsCounted, Mapping, MappingError, ObjectsRead, OutputPort, SetsCounted, TechAsset,
    UnitCounted,
};
pub use model::{MODEL, PARENTS};
pub use portal::{Actor, Object, Portal};
pub use printable::printable;
pub use shape::{Shape, ShapeError};
pub use zone::Zone;
