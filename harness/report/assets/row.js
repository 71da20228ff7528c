// One row of the timeline: a name, a canvas, and where in it the sound is that is being heard.

export class Row {
  // `draw` gets (context, axis, shift, height); `about` returns what is to be said of a moment of the axis.
  constructor({ id = "", title, note = "", height, draw, about = () => "", track = null, delay = 0, kind }) {
    Object.assign(this, { id, title, height, draw, about, track, delay, kind });
    this.element = document.createElement("div");
    this.element.className = `row ${kind}`;
    this.element.dataset.row = id;
    const name = document.createElement("div");
    name.className = "title";
    name.textContent = title;
    if (note) {
      const small = document.createElement("small");
      small.textContent = note;
      name.append(small);
    }
    this.name = name;
    this.field = document.createElement("div");
    this.field.className = "field";
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${title}${note && `, ${note}`}`);
    this.canvas.style.height = `${height}px`;
    this.head = document.createElement("div");
    this.head.className = "playhead";
    this.head.hidden = true;
    this.field.append(this.canvas, this.head);
    this.element.append(name, this.field);
  }

  get shown() {
    return !this.element.hidden;
  }

  paint(axis, shift) {
    const scale = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(axis.width * scale));
    const height = Math.round(this.height * scale);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, axis.width, this.height);
    return this.draw(context, axis, shift, this.height);
  }

  // Shows where the sound is; null for nowhere.
  point(x, width) {
    this.head.hidden = x === null || x < 0 || x > width;
    if (!this.head.hidden) this.head.style.transform = `translateX(${x}px)`;
  }
}
