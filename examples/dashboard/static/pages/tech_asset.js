// The page of a tech asset: who touches it, through whichever output ports.

import { asked } from "../address.js";
import { LAST_USED, ranking, stacked, tiles } from "../charts.js";

export const KIND = "Tech asset";

export function sections() {
    const by = asked.by === "group" ? "domain" : "consumer";
    return [
        tiles("Touches"),
        stacked("Touches"),
        ranking(`Touches by ${by}`, "distribution", { unit: "Touches", isColoured: true, more: () => [LAST_USED] }),
    ];
}
