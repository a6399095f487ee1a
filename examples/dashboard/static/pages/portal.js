// The page of the whole portal: which output ports are read most, which rose and fell, and what nobody uses.

import { asked, isCompared } from "../address.js";
import { CONSUMERS, LAST_USED, ONCE_FOR_EACH, ranking, stacked, tiles, unused } from "../charts.js";
import { spoken } from "../elements.js";
import * as format from "../format.js";
import { sparkline } from "../sparkline.js";

export function sections({ coverage }) {
    const by = asked.by === "group" ? "domain" : "consumer";
    return [
        tiles("Queries", { note: ONCE_FOR_EACH }),
        stacked("Queries"),
        ranking("Most used output ports", "output-ports", {
            unit: "Queries",
            // The lines are of the same output ports, gone ones included.
            others: [["sparklines", isCompared ? { gone: "true" } : {}]],
            more: (lines) => [PERCENTILE, CONSUMERS, LAST_USED, lineOf(lines)],
            place: "wide",
        }),
        ...(isCompared ? [moved("Risers", "risers", "rose"), moved("Fallers", "fallers", "fell")] : []),
        ranking(`Queries by ${by}`, "distribution", { unit: "Queries", isColoured: true, place: "tallest" }),
        unused("Unused output ports", "unused-output-ports", allUsed("output port", coverage)),
        unused("Unused tech assets", "unused-tech-assets", allUsed("tech asset", coverage)),
        unused("Unused consumers", "unused-consumers", allUsed("consumer", coverage)),
    ];
}

/** Use after these days counts as use, and with coverage nothing is called unused that was not measured on all of them. */
function allUsed(kind, hasCoverage) {
    return hasCoverage
        ? `No ${kind} is known to be unused: each was used on these days or later, or was not measured on all of them.`
        : `Every ${kind} was used on these days or later.`;
}

const PERCENTILE = {
    head: "Percentile",
    kind: "number",
    cell: ({ percentile_rank: rank }) => (rank === null ? "–" : format.percentile(rank)),
};

function moved(title, order, verb) {
    const none = `No output port ${verb} against the days that these are compared with.`;
    return ranking(title, "output-ports", { unit: "Queries", changes: { order }, none });
}

/** The series that a row's line draws. */
function lineOf({ rows }) {
    const lines = new Map(rows.map((series) => [series.member.id, series]));
    const cell = ({ output_port_id: id }) => (lines.has(id) ? sparkline(lines.get(id)) : "");
    return { head: spoken("Over time"), kind: "line", cell };
}
