// What the page shows is in its address and nowhere else, so that a link shows the same page.

const DEFAULTS = { days: "90", granularity: "week", compare: "previous_period", by: "consumer", top: "10" };
const NAMES = ["days", "from", "until", "granularity", "compare", "by", "top"];

/** The page of each kind of member, and the same path below /api. */
const PATHS = { output_port: "/output-ports", tech_asset: "/tech-assets", consumer: "/consumers" };

/** What the address asks for, with defaults where it says nothing. */
export const asked = read(new URLSearchParams(location.search));

function read(address) {
    const said = NAMES.map((name) => [name, address.get(name) ?? ""]).filter(([, value]) => value !== "");
    const asked = { ...DEFAULTS, ...Object.fromEntries(said) };
    // Both together are an error, and the API says so. One alone is, too.
    const isRange = said.some(([name]) => name === "from" || name === "until");
    const saysDays = said.some(([name]) => name === "days");
    if (isRange && !saysDays) {
        delete asked.days;
    }
    return asked;
}

export const isCompared = asked.compare !== "none";

/** What somebody searches for; empty if nobody does. */
export const searched = new URLSearchParams(location.search).get("q") ?? "";

/** The kind and the id of what the page is about, the id as the address writes it, or the portal. */
export function subject() {
    const [, plural, id] = location.pathname.split("/");
    const kind = Object.keys(PATHS).find((kind) => PATHS[kind] === `/${plural}`);
    return kind === undefined ? { kind: "portal" } : { kind, id };
}

/** The address of a member's page for the same days. */
export function pageOf(kind, id) {
    return `${PATHS[kind]}/${encodeURIComponent(id)}${search(said())}`;
}

export function portal() {
    return `/${search(said())}`;
}

/** The address of this page for other days. */
export function lastDays(days) {
    const query = said();
    query.delete("from");
    query.delete("until");
    query.set("days", days);
    return location.pathname + search(query);
}

/** What this address says of itself, without what is merely the default. */
function said() {
    const address = new URLSearchParams(location.search);
    return new URLSearchParams([...address].filter(([name, value]) => NAMES.includes(name) && value !== ""));
}

function search(query) {
    const text = query.toString();
    return text === "" ? "" : `?${text}`;
}

/** The address of a chart's data; `format: "csv"` among the changes makes it a file. */
export function chartOf(path, changes = {}) {
    const query = new URLSearchParams({ ...asked, ...changes });
    if (query.get("compare") === "none") {
        query.delete("compare");
    }
    return `${apiOf(subject())}/${path}?${query}`;
}

export function apiOf({ kind, id }) {
    return kind === "portal" ? "/api/portal" : `/api${PATHS[kind]}/${id}`;
}

/** The address of the first names that hold a text. */
export function namesOf(kind, text) {
    return `/api${PATHS[kind]}?${new URLSearchParams({ q: text, limit: "20" })}`;
}
