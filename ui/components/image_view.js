// An image that can be looked at closely. Goes before the code of a component; it draws, and knows `image`, `width` and `height`.
const MAX_ZOOM = 40;

class ImageView { // on `canvas` in `stage`; `scale`, `x`, `y`: from px of the image to those of the screen
  lead() {} // what else looks where this does
  size() { return [this.canvas.clientWidth || this.stage.clientWidth, this.canvas.clientHeight || 1]; }
  toScreen([x, y]) { return [x * this.scale + this.x, y * this.scale + this.y]; }
  toImage([x, y]) { return [(x - this.x) / this.scale, (y - this.y) / this.scale]; }
  inImage([x, y]) { return [Math.min(this.width, Math.max(0, x)), Math.min(this.height, Math.max(0, y))]; }
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  resize() {
    if (!this.image || !this.stage.clientWidth) return;
    const w = this.stage.clientWidth, h = Math.min(w * this.height / this.width, Math.max(280, innerHeight * 0.75));
    this.canvas.style.height = `${h}px`;
    this.canvas.width = Math.round(w * devicePixelRatio);
    this.canvas.height = Math.round(h * devicePixelRatio);
    if (this.fitted || w !== this.seenWidth) { this.seenWidth = w; this.fit(); }
    this.draw();
  }

  fit() {
    const [w, h] = this.size();
    this.scale = this.least = Math.min(w / this.width, h / this.height);
    this.x = (w - this.width * this.scale) / 2;
    this.y = (h - this.height * this.scale) / 2;
    this.fitted = true;
    this.draw();
    this.lead();
  }

  zoom(factor, [cx, cy] = this.size().map((v) => v / 2)) {
    const scale = Math.min(MAX_ZOOM, Math.max(this.least, this.scale * factor));
    this.x = cx - (cx - this.x) * scale / this.scale;
    this.y = cy - (cy - this.y) * scale / this.scale;
    this.scale = scale;
    if (scale === this.least) return this.fit();
    this.move(0, 0);
  }

  move(dx, dy) { // some of the image stays in sight
    const [w, h] = this.size(), keep = 40;
    this.x = Math.min(w - keep, Math.max(keep - this.width * this.scale, this.x + dx));
    this.y = Math.min(h - keep, Math.max(keep - this.height * this.scale, this.y + dy));
    this.fitted = false;
    this.draw();
    this.lead();
  }

  pinch(before, now) {
    const other = [...this.pointers.values()].find((p) => p.pointerId !== now.pointerId);
    const gap = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    const [ox, oy] = this.at(other), [nx, ny] = this.at(now);
    this.zoom(gap(now) / Math.max(1, gap(before)), [(ox + nx) / 2, (oy + ny) / 2]);
  }
}

