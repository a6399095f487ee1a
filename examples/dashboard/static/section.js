// A part of a page: a heading, what an answer of the API shows, and its file.

import { asked, chartOf, isCompared, lastDays } from "./address.js";
import { answer, Failure } from "./api.js";
import { element } from "./elements.js";
import * as format from "./format.js";
import { onLook } from "./look.js";

/**
 * `charts` are paths below the subject, each with what it is asked beyond the page's own query; `show` makes what the
 * section holds of their answers, in the same order. The first of them is its file.
 */
export function section(title, charts, show, place) {
    const id = title.toLowerCase().replaceAll(/[^a-z]+/g, "-");
    const body = element("div", { class: "body" }, element("p", { class: "quiet" }, "…"));
    const [[path, changes]] = charts;
    const href = chartOf(path, { ...changes, format: "csv" });
    const file = element("a", { class: "file", href, download: true, "aria-label": `${title} as CSV` }, "CSV");
    const head = element("div", { class: "head" }, element("h2", { id }, title), file);
    const part = element("section", { "aria-labelledby": id, class: place }, head, body);
    const load = async () => {
        const answers = await Promise.all(charts.map(([path, changes]) => answer(chartOf(path, changes))));
        const { content, draw } = show(...answers);
        body.replaceChildren(...content);
        onLook(draw);
    };
    return { part, load: () => load().catch((error) => failed(body, error)) };
}

/** Says so in its place; the page says why, once for all sections. */
function failed(body, error) {
    body.replaceChildren(element("p", { class: "quiet" }, "Not loaded."));
    if (!(error instanceof Failure)) {
        throw error;
    }
    return error;
}

/** What to do where there is nothing to show. */
export function nothing(what) {
    const longer = element("a", { href: lastDays(365) }, "the last 365 days");
    const days = asked.days === "365" ? "Ask for other days" : element("span", {}, "Try ", longer);
    const text = [`${what} on these days. `, days, ", or see whether the ingest has run for them."];
    return { content: [element("p", { class: "empty" }, ...text)] };
}

/** Columns of a comparison, where there is one. */
export function compared() {
    return isCompared
        ? [
              { head: "Before", kind: "number", cell: format.before },
              { head: "Change", kind: "number", cell: (row) => format.change(row.change) },
          ]
        : [];
}
