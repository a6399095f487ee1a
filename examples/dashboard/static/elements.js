// Elements of the page. A text, whatever it holds, becomes a text and never markup.

/** An element with attributes, of which those that are undefined or false are left out, and children. */
export function element(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
export function drawn(tag, attributes = {}, ...children) {
    return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value !== undefined && value !== false) {
            made.setAttribute(name, value === true ? "" : value);
        }
    }
    made.append(...children.filter((child) => child !== undefined));
    return made;
}

/** A text for screen readers alone. */
export function spoken(text) {
    return element("span", { class: "spoken" }, text);
}
