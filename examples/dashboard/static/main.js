// Starts the page that the address names.

import { apiOf, searched, subject } from "./address.js";
import { answer, Failure } from "./api.js";
import { fillControls } from "./controls.js";
import { element } from "./elements.js";
import { found } from "./found.js";
import { heading, nameOf } from "./members.js";
import * as consumer from "./pages/consumer.js";
import * as outputPort from "./pages/output_port.js";
import * as ofPortal from "./pages/portal.js";
import * as techAsset from "./pages/tech_asset.js";

const PAGES = { output_port: outputPort, tech_asset: techAsset, consumer, portal: ofPortal };

const main = document.getElementById("main");

async function start() {
    const { kind, id } = subject();
    const isPortal = kind === "portal";
    const about = await answer(apiOf({ kind: "portal" }));
    fillControls(about, kind);
    if (isPortal && searched !== "") {
        document.title = `${searched} – Usage`;
        main.replaceChildren(await found(searched));
        return;
    }
    const page = PAGES[kind];
    let head = element("h1", {}, "Usage of the portal");
    if (!isPortal) {
        const name = nameOf({ kind, ...(await answer(apiOf({ kind, id }))) });
        document.title = `${name} – Usage`;
        head = heading(page.KIND, name);
    }
    await show(head, page.sections(about));
}

/** Shows all sections at once; each fills itself when its answers are there. */
async function show(head, sections) {
    const notice = element("div", { class: "notices" });
    const grid = element("div", { class: "grid" }, ...sections.map(({ part }) => part));
    main.replaceChildren(head, notice, grid);
    await load(notice, sections);
}

async function load(notice, sections) {
    const outcomes = await Promise.all(sections.map(({ load }) => load()));
    const failed = sections.filter((_, at) => outcomes[at] !== undefined);
    const failure = outcomes.find((outcome) => outcome !== undefined);
    const again = () => load(notice, failed);
    notice.replaceChildren(...(failure === undefined ? [] : [explained(failure, again)]));
}

/** What went wrong, and what the reader can do. */
function explained(failure, again) {
    const text = element("p", {}, "Not everything could be loaded: ", element("bdi", {}, failure.message), ".");
    if (failure.isOfAddress) {
        const home = element("a", { href: "/" }, "the portal");
        const same = element("a", { href: location.pathname }, "this page without its query");
        const onward = element("p", {}, "Go to ", home, ", or open ", same, ".");
        return element("div", { class: "notice", role: "alert" }, text, onward);
    }
    const button = element("button", { type: "button" }, "Try again");
    button.addEventListener("click", () => {
        main.focus();
        busy(again);
    });
    return element("div", { class: "notice", role: "alert" }, text, button);
}

/** Whoever waits, a screen reader or a test, learns when everything is there. */
async function busy(work) {
    main.setAttribute("aria-busy", "true");
    try {
        await work();
    } catch (error) {
        if (!(error instanceof Failure)) {
            throw error;
        }
        main.replaceChildren(element("h1", {}, "Usage"), explained(error, start));
    } finally {
        main.setAttribute("aria-busy", "false");
    }
}

busy(start);
