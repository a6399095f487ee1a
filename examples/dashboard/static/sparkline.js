// A small line beside a row; the chart over time of the row's own page has its numbers.

import { drawn } from "./elements.js";

const WIDTH = 96;
const HEIGHT = 24;

/** The counts of one series; where nobody measured, the line has a gap. */
export function sparkline({ counts, coverage }) {
    const most = Math.max(1, ...counts);
    const x = (at) => (counts.length === 1 ? WIDTH / 2 : 1 + ((WIDTH - 2) * at) / (counts.length - 1));
    const y = (count) => HEIGHT - 2 - ((HEIGHT - 4) * count) / most;
    const isGap = (at) => coverage?.[at] === "not_measured";
    const steps = counts.flatMap((count, at) => {
        const begins = at === 0 || isGap(at - 1);
        return isGap(at) ? [] : [`${begins ? "M" : "L"}${x(at).toFixed(1)} ${y(count).toFixed(1)}`];
    });
    return drawn(
        "svg",
        { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
        drawn("path", { d: steps.join("") }),
    );
}
