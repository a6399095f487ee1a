// The charts that several pages have.

import { isCompared } from "./address.js";
import { element, spoken } from "./elements.js";
import * as format from "./format.js";
import { bar, COLOURS, Colours, coverageNote, link, memberOf } from "./members.js";
import { overTime } from "./over_time.js";
import { compared, nothing, section } from "./section.js";
import { table } from "./table.js";

/** The chart whose members have colours: no more of them than there are colours that can be told apart. */
const SPLIT = ["split", { top: String(COLOURS) }];
/** What was used only before is in a ranking, too: it is what somebody asks about. */
const GONE = isCompared ? { gone: "true" } : {};

/** Whatever reads all output ports counts so. */
export const ONCE_FOR_EACH = "A query that reads several output ports counts once for each of them.";

/** What it comes to. `count` is what the counts are called: queries or touches. */
export function tiles(count, { hasConsumers = true, note } = {}) {
    const show = ({ days, previous, rows: [row] }) => {
        const content = [
            tile(count, format.count(row.query_count), previous === undefined ? [] : before(row, previous)),
            ...(hasConsumers ? [tile("Consumers", format.count(row.consumers))] : []),
            tile("Days of use", format.count(row.active_days)),
            tile("Last used", row.last_used === null ? "not on these days" : format.day(row.last_used)),
        ];
        const period = element("p", { class: "quiet" }, format.daysText(days), " ", coverageNote(row.coverage) ?? "");
        const notes = note === undefined ? [] : [element("p", { class: "quiet note" }, note)];
        return { content: [period, element("dl", { class: "tiles" }, ...content), ...notes] };
    };
    return section("In short", [["summary"]], show, "wide");
}

/** A comparison with days that were not all measured is none, and says so. */
function before(row, previous) {
    const days = format.daysText(previous);
    const note = coverageNote(row.previous_coverage) ?? "";
    if (row.previous_coverage === "not_measured") {
        return [`${days} `, note];
    }
    const was = [format.count(row.previous), ` on ${days} `];
    return row.change === null ? [...was, note] : [format.change(row.change), " from ", ...was];
}

function tile(name, value, note = []) {
    const more = note.length === 0 ? undefined : element("dd", { class: "quiet" }, ...note);
    return element("div", {}, element("dt", {}, name), element("dd", { class: "value" }, value), more);
}

/** Over time, stacked by who or what the split is of. */
export function stacked(count) {
    const show = ({ rows: points, days, previous }, { rows: series }) => {
        const total = points.reduce((sum, { query_count }) => sum + query_count, 0);
        const isNothing = points.every((point) => point.query_count === 0 && !point.previous);
        if (isNothing) {
            return nothing(`No ${count.toLowerCase()}`);
        }
        const colours = new Colours(series.map(({ member }) => member));
        return overTime({ unit: count, points, days, previous, series, colours, total });
    };
    return section(`${count} over time`, [["over-time"], SPLIT], show, "wide");
}

/**
 * A ranking: each row has a name, a bar, its count, its share and its change.
 *
 * `isColoured` where its members are those of the split. `more` makes further columns of the answer of
 * `others`; `none` says why an empty ranking needs nothing done; `place` is how much room it has on a wide screen.
 */
export function ranking(title, path, { unit, isColoured = false, changes, others = [], more = () => [], none, place }) {
    const charts = [[path, { ...GONE, ...changes }], ...(isColoured ? [SPLIT] : others)];
    const show = ({ rows }, other) => {
        if (rows.length === 0) {
            return none === undefined ? nothing(`No ${unit.toLowerCase()}`) : said(none);
        }
        const colours = isColoured ? new Colours(other.rows.map(({ member }) => member)) : undefined;
        const numbers = table(title, [...columns(rows, unit, colours), ...compared(), ...more(other)], rows);
        return { content: [numbers, ...whyNoChange(rows)] };
    };
    return section(title, charts, show, place);
}

/** A row without a change though it had a count before lacks some of its days. */
function whyNoChange(rows) {
    const lacks = ({ change, previous, previous_coverage: coverage }) =>
        coverage === "partly" || coverage === "not_measured" || (change === null && previous > 0);
    const text = "A change is shown where these days and those before were all measured.";
    return isCompared && rows.some(lacks) ? [element("p", { class: "quiet note" }, text)] : [];
}

function columns(rows, unit, colours) {
    const most = Math.max(...rows.map(countOf));
    const colour = (row) => colours?.of(memberOf(row)) ?? "plain";
    return [
        { head: spoken("Rank"), kind: "rank", cell: ({ rank }) => (rank === null ? "" : format.countText(rank)) },
        { head: "Name", kind: "name", cell: (row) => link(memberOf(row)) },
        { head: unit, kind: "number", cell: (row) => format.count(countOf(row)) },
        { head: "Share", kind: "number share", cell: (row) => shareOf(row, most, colour(row)) },
    ];
}

function shareOf(row, most, colour) {
    return element("span", {}, format.share(row.share), bar(countOf(row), most, colour));
}

/** Tech assets count touches, all else queries. */
function countOf({ touches, query_count }) {
    return touches ?? query_count;
}

export const CONSUMERS = { head: "Consumers", kind: "number", cell: ({ consumers }) => format.count(consumers) };
/** The last of the page's days; what is gone has none, and may have been used before. */
export const LAST_USED = {
    head: "Last used",
    kind: "number",
    cell: ({ last_used: day }) => (day == null ? "–" : format.day(day)),
};

/** A list of what nobody used. */
export function unused(title, path, none) {
    const columns = [
        { head: "Name", kind: "name", cell: ({ member }) => link(member) },
        { head: "Last used", kind: "number", cell: ({ last_used }) => format.day(last_used) },
    ];
    const show = ({ rows }) => (rows.length === 0 ? said(none) : { content: [table(title, columns, rows)] });
    return section(title, [[path]], show);
}

function said(text) {
    return { content: [element("p", { class: "empty" }, text)] };
}
