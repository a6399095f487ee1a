// Tables: every number of every chart.

import { element } from "./elements.js";

/**
 * A table in a box of its own that scrolls where the screen is narrow, so that the page does not.
 *
 * A column has a `head` and a `cell`, which makes text or an element of a row; one `name` column names its row.
 */
export function table(caption, columns, rows) {
    const head = columns.map((column) => element("th", { scope: "col", class: column.kind }, column.head));
    const body = rows.map((row) => element("tr", {}, ...columns.map((column) => cell(column, row))));
    return scrolling(
        caption,
        element(
            "table",
            {},
            element("caption", { class: "spoken" }, caption),
            element("thead", {}, element("tr", {}, ...head)),
            element("tbody", {}, ...body),
        ),
    );
}

function cell(column, row) {
    const isName = column.kind === "name";
    return element(isName ? "th" : "td", { class: column.kind, scope: isName && "row" }, column.cell(row));
}

/** The keyboard can scroll it, too. */
function scrolling(caption, content) {
    return element("div", { class: "scrolling", role: "region", "aria-label": caption, tabindex: "0" }, content);
}
