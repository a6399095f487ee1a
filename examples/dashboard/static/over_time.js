// Counts over time: stacked columns, and behind them what the earlier days had. The table has all of it as numbers.

import { asked } from "./address.js";
import { element } from "./elements.js";
import * as format from "./format.js";
import { COVERAGE, legend, nameOf } from "./members.js";
import { columns } from "./canvas.js";
import { compared } from "./section.js";
import { table } from "./table.js";

/** Why a column is not all that it will be, or that it is nothing. */
function state(point) {
    if (point.coverage === "not_measured") {
        return "gap";
    }
    const isOpen = point.partial || point.coverage === "unsettled" || point.coverage === "partly";
    return isOpen ? "open" : "closed";
}

/** By day, a line of other weekdays would only show weekends in the wrong places. */
function isDrawn(points, days, previous) {
    if (previous === undefined || (asked.granularity === "day" && format.daysBetween(previous, days) % 7 !== 0)) {
        return false;
    }
    return points.some((point) => measuredBefore(point) !== null);
}

function measuredBefore({ previous, previous_coverage: coverage }) {
    return coverage === "not_measured" || coverage === "partly" ? null : previous;
}

function words(point) {
    const cut = point.partial ? ["cut by the days asked for"] : [];
    const coverage = point.coverage === undefined ? [] : [COVERAGE[point.coverage]];
    return [...coverage, ...cut].join(", ");
}

/** `points` are the totals; `series` their parts, if there are any. */
export function overTime({ unit, points, days, previous, series, colours, total }) {
    const states = points.map(state);
    const parts = series ?? [{ member: { kind: "all" }, counts: points.map((point) => point.query_count) }];
    const datasets = parts.map(({ member, counts }) => ({
        label: member.kind === "all" ? unit : nameOf(member),
        colour: member.kind === "all" ? "series-1" : colours.of(member),
        data: counts.map((count, at) => (states[at] === "gap" ? null : count)),
    }));
    const before = isDrawn(points, days, previous) ? points.map(measuredBefore) : undefined;
    const { canvas, draw } = columns({
        label: `${unit} over time: ${format.countText(total)} in ${points.length} columns. The table has the numbers.`,
        ticks: points.map(({ bucket }) => format.tickText(bucket, asked.granularity)),
        titles: points.map((point) => title(point)),
        datasets,
        before,
        states,
    });
    const numbers = element(
        "details",
        {},
        element("summary", {}, "Table"),
        table(`${unit} over time`, tableColumns(unit, series), rows(points, series)),
    );
    const keys = [series && legend(series.map(({ member }) => member), colours), key(states, before && previous)];
    return { content: [...keys.filter((one) => one !== undefined), canvas, numbers], draw };
}

function title(point) {
    const bucket = format.bucketText(point.bucket, asked.granularity);
    const note = words(point);
    return note === "" || note === COVERAGE.measured ? bucket : `${bucket} (${note})`;
}

/** What the patterns mean, of those that are there. */
function key(states, previous) {
    const item = (name, text) => element("li", {}, element("span", { class: `swatch ${name}`, "aria-hidden": "true" }), text);
    const items = [
        states.includes("open") && item("open", "hatched: incomplete, or may still rise"),
        states.includes("gap") && item("gap", "gap: nobody measured"),
        previous && item("before", `dotted line: ${format.daysText(previous)}`),
    ].filter(Boolean);
    return items.length === 0 ? undefined : element("ul", { class: "legend key" }, ...items);
}

function rows(points, series) {
    return points.map((point, at) => ({ ...point, counts: series?.map(({ counts }) => counts[at]) }));
}

function tableColumns(unit, series) {
    const parts = (series ?? []).map(({ member }, at) => ({
        head: element("bdi", {}, nameOf(member)),
        kind: "number",
        cell: (row) => measured(row, row.counts[at]),
    }));
    return [
        { head: "From", kind: "name", cell: ({ bucket }) => format.bucket(bucket, asked.granularity) },
        { head: unit, kind: "number", cell: (row) => measured(row, row.query_count) },
        ...parts,
        ...compared(),
        { head: "Measured", kind: "words", cell: words },
    ];
}

/** A zero that nobody measured is no zero. */
function measured(point, count) {
    return state(point) === "gap" && count === 0 ? "–" : format.count(count);
}
