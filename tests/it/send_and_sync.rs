//! Everything public can be shared between threads; that this compiles is the test.

use output_port_usage::chart::*;
use output_port_usage::*;

const fn shared<T: Send + Sync + 'static>() {}

const _: () = {
    shared::<AccessedObjects>();
    shared::<Attribution>();
    shared::<AttributionBuilder>();
    shared::<CountedUnit>();
    shared::<Error>();
    shared::<UnknownIds>();
    shared::<ConsumerId>();
    shared::<GroupId>();
    shared::<OutputPortId>();
    shared::<TechAssetId>();
    shared::<Column>();
    shared::<DailyTable<'static>>();
    shared::<OnDelete>();
    shared::<Reference>();
    shared::<TableNames>();
    shared::<UsageModel>();
    shared::<UsageModelBuilder>();
    shared::<IngestError<sqlx::Error>>();
    shared::<IngestError<tokio_postgres::Error>>();
    shared::<Migration>();
    shared::<Outcome>();
    shared::<Ingest>();
    shared::<Purge>();
    shared::<Removal>();
    shared::<Violation>();
    shared::<TableOutcome>();
    shared::<Query<std::rc::Rc<()>>>();
    shared::<Statement>();
    shared::<DecodeError>();
    shared::<TokioPostgresQuery<std::rc::Rc<()>>>();
    shared::<TokioPostgresStatement>();
    shared::<Granularity>();
    shared::<Combination>();
    shared::<OutputPortQueries>();
    shared::<Scope>();
    shared::<TechAssetTouches>();
    shared::<UsageBatch>();
    shared::<query_log::AccessedObject>();
    shared::<query_log::Aggregator<'static>>();
    shared::<query_log::JsonLines<std::io::Empty>>();
    shared::<query_log::LineError>();
    shared::<query_log::Record>();
    shared::<query_log::Summary>();
    shared::<query_log::UnmappedObject>();
    shared::<query_log::UnmappedPrincipal>();
    shared::<ConsumerOrOther>();
    shared::<GroupOrOther>();
    shared::<MostOftenCombined>();
    shared::<MostOftenCombinedWith>();
    shared::<MostPopularAsset>();
    shared::<MostPopularAssets>();
    shared::<QueriesOverTime>();
    shared::<QueriesOverTimePoint>();
    shared::<QueryDistribution>();
    shared::<QueryDistributionByGroup>();
    shared::<QueryDistributionGroupSlice>();
    shared::<QueryDistributionSlice>();
};
