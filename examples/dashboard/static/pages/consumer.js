// The page of a consumer: what it reads.

import { LAST_USED, ONCE_FOR_EACH, ranking, stacked, tiles } from "../charts.js";

export const KIND = "Consumer";

export function sections() {
    return [
        tiles("Queries", { hasConsumers: false, note: ONCE_FOR_EACH }),
        stacked("Queries"),
        ranking("Output ports that it reads", "output-ports", {
            unit: "Queries",
            isColoured: true,
            more: () => [LAST_USED],
        }),
        ranking("Tech assets that it touches", "assets", { unit: "Touches", more: () => [LAST_USED] }),
    ];
}
