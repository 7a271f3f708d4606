"""Waiting for a demo, by what it does and not by the clock."""

RESTS = """() => new Promise(done => {
    let quiet = 0, frames = 0;
    const look = () => {
        const asked = framesAsked;
        requestAnimationFrame(() => {
            quiet = framesAsked === asked + 1 ? quiet + 1 : 0;
            quiet > 1 || (frames += 1) > 20 ? done() : look();
        });
    };
    requestAnimationFrame(look);
})"""


def after(page, ms: float) -> None:
    """Waits until the page's timers of less than ``ms`` from now have gone off: by its own clock,
    which a busy machine makes late."""
    page.evaluate("ms => new Promise(done => setTimeout(done, ms))", ms)


def drawn(page) -> None:
    """Waits until all that was done to a page is drawn: two frames pass in which no script asks for
    another. What runs on for ever is given twenty.

    The page counts its frames: it was opened with COUNT_FRAMES as an initial script.
    """
    page.evaluate(RESTS)
