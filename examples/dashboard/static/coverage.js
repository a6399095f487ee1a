// Which of the page's days nobody measured, or not yet for good: what to ingest again.

import { element } from "./elements.js";
import * as format from "./format.js";
import { section } from "./section.js";
import { table } from "./table.js";

const REASONS = { never_measured: "nobody measured them", unsettled: "rows may still arrive" };

const COLUMNS = [
    { head: "Days", kind: "name", cell: (gap) => format.daysText(gap) },
    { head: "Number", kind: "number", cell: (gap) => format.count(format.daysBetween(gap, { from: gap.until })) },
    { head: "What they lack", kind: "words", cell: ({ reason }) => REASONS[reason] ?? reason },
];

export function coverage() {
    const title = "Days to ingest again";
    return section(title, [["coverage"]], (days) => {
        const { first_measured: from, last_measured: until, gaps } = days;
        const measured =
            from === null
                ? element("p", { class: "empty" }, "No day was ever measured. Run the ingest for this output port.")
                : element("p", { class: "quiet" }, "Measured from ", format.day(from), " to ", format.day(until), ".");
        const isWhole = element("p", { class: "empty" }, "Every one of these days is measured, and will not change.");
        return { content: [measured, gaps.length === 0 ? isWhole : table(title, COLUMNS, gaps)] };
    });
}
