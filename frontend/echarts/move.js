// Moves the drawing of a graph on (app/src/charts/echarts.rs): its lines and the marks of its time axis all at once to the left,
// and of the lines' pieces only those are drawn anew that are others. Written whole with each reading, they would be most of
// the page's work.

/** A line says by how much of 1000, one what the marks are; then come pieces, each with its place and its path. */
export const move = (canvas, moves) => {
    const drawing = canvas.parentElement.querySelector(".graph-static");
    const lines = drawing.querySelector(".graph-plot g");
    const times = drawing.querySelector(".graph-times svg");
    // What is not there yet will be up to date.
    if (!lines || !times) return;
    const [by, marks, ...pieces] = moves.split("\n");
    lines.setAttribute("transform", `translate(-${by})`);
    times.setAttribute("x", `-${by / 10}%`);
    if (times.marks !== marks) times.innerHTML = times.marks = marks;
    for (const piece of pieces) {
        const end = piece.indexOf(" ");
        lines.children[piece.slice(0, end)]?.setAttribute("d", piece.slice(end + 1));
    }
};
