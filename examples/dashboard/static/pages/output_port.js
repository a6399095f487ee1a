// The page of an output port: who reads it, through which assets, and together with what.

import { asked } from "../address.js";
import { CONSUMERS, LAST_USED, ranking, stacked, tiles } from "../charts.js";
import { coverage } from "../coverage.js";

export const KIND = "Output port";

export function sections(about) {
    const by = asked.by === "group" ? "domain" : "consumer";
    return [
        tiles("Queries"),
        stacked("Queries"),
        ranking(`Queries by ${by}`, "distribution", {
            unit: "Queries",
            isColoured: true,
            more: () => [LAST_USED],
            place: "tallest",
        }),
        ranking("Most popular assets", "assets", { unit: "Touches", more: () => [CONSUMERS, LAST_USED] }),
        ...(about.combinations ? [ranking("Most often combined with", "combined-with", { unit: "Queries" })] : []),
        ...(about.coverage ? [coverage()] : []),
    ];
}
