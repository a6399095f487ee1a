// Charts are drawn again when their colours change: in the dark, in the light and on paper.

const drawings = new Set();

/** Draws, and again whenever the page looks otherwise. */
export function onLook(draw) {
    if (draw !== undefined) {
        drawings.add(draw);
        draw();
    }
}

for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => drawings.forEach((draw) => draw()));
}
