// Zoom, place and divider are kept here alone: a new answer of the server changes only the pictures.
const all = (selector) => [...element.querySelectorAll(selector)];
const one = (selector) => element.querySelector(selector);
const [frames, panes] = [all(".frame"), all(".pane")];
const view = { zoom: 1, x: 0.5, y: 0.5 };  // the point of the picture in the frame's middle, as fractions of its sides
const LARGEST = 16;

function place(zoom, x, y) {
  view.zoom = Math.min(LARGEST, Math.max(1, zoom));
  const margin = 0.5 / view.zoom;
  view.x = Math.min(1 - margin, Math.max(margin, x));
  view.y = Math.min(1 - margin, Math.max(margin, y));
  element.style.setProperty("--zoom", view.zoom);
  element.style.setProperty("--x", 100 * (0.5 - view.x * view.zoom) + "%");
  element.style.setProperty("--y", 100 * (0.5 - view.y * view.zoom) + "%");
  element.classList.toggle("zoomed", view.zoom > 1);
  element.classList.toggle("pixels", view.zoom >= 3);
  one(".zoom").textContent = +view.zoom.toFixed(1) + "×";
}

// The point under (clientX, clientY) stays where it is.
function zoomAt(frame, factor, clientX, clientY) {
  const box = frame.getBoundingClientRect();
  const zoom = Math.min(LARGEST, Math.max(1, view.zoom * factor));
  const shift = (1 / view.zoom - 1 / zoom);
  place(zoom, view.x + ((clientX - box.left) / box.width - 0.5) * shift, view.y + ((clientY - box.top) / box.height - 0.5) * shift);
}

for (const frame of frames) {
  const fingers = new Map();
  const gap = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
  frame.onpointerdown = (e) => {
    if (e.target.classList.contains("divider")) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    frame.setPointerCapture(e.pointerId);
  };
  frame.onpointermove = (e) => {
    const last = fingers.get(e.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? gap() : 0;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    const box = frame.getBoundingClientRect();
    if (before) {
      const [a, b] = [...fingers.values()];
      zoomAt(frame, gap() / before, (a.x + b.x) / 2, (a.y + b.y) / 2);
    } else {
      place(view.zoom, view.x - (e.clientX - last.x) / box.width / view.zoom, view.y - (e.clientY - last.y) / box.height / view.zoom);
    }
  };
  frame.onpointerup = frame.onpointercancel = (e) => fingers.delete(e.pointerId);
  frame.ondblclick = (e) => view.zoom > 1 ? place(1, 0.5, 0.5) : zoomAt(frame, 4, e.clientX, e.clientY);
  // the wheel scrolls the page until the picture is clicked; a pinch on a trackpad arrives as a wheel with ctrlKey
  frame.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && document.activeElement !== frame) return;
    e.preventDefault();
    zoomAt(frame, Math.exp(-0.0025 * e.deltaY), e.clientX, e.clientY);
  }, { passive: false });
  frame.onkeydown = (e) => {
    if (e.target !== frame) return;
    const step = 0.1 / view.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[e.key] && view.zoom > 1) place(view.zoom, view.x + moves[e.key][0], view.y + moves[e.key][1]);
    else if (e.key === "+" || e.key === "=") place(view.zoom * 2, view.x, view.y);
    else if (e.key === "-") place(view.zoom / 2, view.x, view.y);
    else if (e.key === "0") place(1, 0.5, 0.5);
    else return;
    e.preventDefault();
  };
}
one(".in").onclick = () => place(view.zoom * 2, view.x, view.y);
one(".out").onclick = () => place(view.zoom / 2, view.x, view.y);
one(".fit").onclick = () => place(1, 0.5, 0.5);
for (const divider of all(".divider")) {
  divider.oninput = () => {
    element.style.setProperty("--cut", divider.value + "%");
    all(".divider").forEach((other) => { other.value = divider.value; });
  };
}

function draw() {
  const answer = props.value;
  if (!answer || !answer.panes) return;
  element.style.setProperty("--ratio", answer.width / answer.height);
  if (answer.before) all(".before").forEach((img) => { img.src = answer.before; });
  panes.forEach((pane, i) => {
    const content = answer.panes[i];
    pane.hidden = !content;
    if (!content) return;
    pane.querySelector(".after").src = content.after;
    pane.querySelector(".name").textContent = content.name;
    pane.querySelector(".score").textContent = content.score;
  });
  one(".status").textContent = (answer.input ? "input " + answer.input + " · " : "") + answer.ms + " ms";
}
watch("value", draw);
draw();
