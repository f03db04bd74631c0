// Small lines of the last half minute, one for each agent.

/** @returns {string} what a colour of `style.css` is at the moment, for a canvas. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

let colours = { line: "", area: "" };
const read = () => (colours = { line: colour("accent"), area: colour("band") });
addEventListener("themechange", read);

/** Draws values from 0 on, of which `undefined` is a gap. The newest is at the right end. */
export function draw(canvas, values, room) {
  if (!colours.line) read();
  const ratio = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (width === 0) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  const step = width / (room - 1);
  const x = (at) => width - (values.length - 1 - at) * step;
  const most = Math.max(50, ...values.filter((value) => value !== undefined));
  const y = (value) => height - 2 * ratio - (value / most) * (height - 4 * ratio);
  context.lineWidth = 1.5 * ratio;
  context.lineJoin = "round";
  context.strokeStyle = colours.line;
  context.fillStyle = colours.area;
  for (let from = 0; from < values.length; from++) {
    if (values[from] === undefined) continue;
    let to = from;
    while (to + 1 < values.length && values[to + 1] !== undefined) to++;
    context.beginPath();
    for (let at = from; at <= to; at++) context.lineTo(x(at), y(values[at]));
    context.stroke();
    context.lineTo(x(to), height);
    context.lineTo(x(from), height);
    context.fill();
    from = to;
  }
}
