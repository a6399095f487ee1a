//! The OpenAPI document: what the handlers say of themselves, and what is true of all of them.

use output_port_usage::Granularity;
use output_port_usage::chart::PortOrder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Content, InfoBuilder, OpenApi, Ref, RefOr, Required, Response};
use utoipa::{PartialSchema, ToSchema};

use crate::asked::{By, Compare, Format};
use crate::failure::Failed;

const FAILURES: [(&str, &str); 4] = [
    ("400", "What was asked for is wrong"),
    ("404", "No such id, or a chart for which the model has no tables"),
    ("500", "An error of the server, which its log tells"),
    ("503", "The database is away or busy: try again later"),
];

/// The whole document, from what is particular to each handler.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Usage of a data-product portal")
        .description(Some("Who queries which output port: charts as rows, and as files for a spreadsheet."))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    for (path, item) in &mut document.paths.paths {
        item.get.iter_mut().for_each(|operation| complete_one(operation, path));
    }
    let components = document.components.get_or_insert_default();
    components.schemas.values_mut().for_each(either);
    // what no handler's own answer names
    let mut named = [schema::<Failed>(), schema::<Granularity>(), schema::<PortOrder>()].to_vec();
    named.extend([schema::<Compare>(), schema::<By>(), schema::<Format>()]);
    components.schemas.extend(named);
    document
}

fn schema<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

fn complete_one(operation: &mut Operation, path: &str) {
    // a handler's name is that of its chart, which more than one page has
    let parts = path.split('/').skip(2).map(|part| part.trim_matches(['{', '}']));
    operation.operation_id = Some(parts.collect::<Vec<_>>().join("_").replace('-', "_"));
    let parameters = operation.parameters.get_or_insert_default();
    let as_file = parameters
        .iter()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "format"));
    if path.contains("{id}") {
        parameters.insert(0, RefOr::T(id()));
    }
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(answer)) = responses.get_mut("200") {
        answer.description = operation.summary.clone().unwrap_or_default();
        if as_file {
            answer.content.insert("text/csv".to_owned(), RefOr::T(Content::new(Some(String::schema()))));
        }
    }
    for (status, description) in FAILURES {
        let mut failure = Response::new(description);
        let content = Content::new(Some(Ref::from_schema_name(Failed::name())));
        failure.content.insert("application/json".to_owned(), RefOr::T(content));
        responses.insert(status.to_owned(), RefOr::T(failure));
    }
}

fn id() -> Parameter {
    let uuid = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).format(Some(uuid))))
        .build()
}

/// A chart with a comparison is one without, too: of its schemas more than one may hold.
fn either(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(one)) = schema
        && one
            .items
            .iter()
            .any(|item| matches!(item, RefOr::Ref(to) if to.ref_location.contains("Answer_WithPrevious")))
    {
        let any = std::mem::take(&mut one.items).into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
        *schema = any.description(one.description.take()).into();
    }
}
