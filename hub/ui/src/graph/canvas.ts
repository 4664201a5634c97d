// canvas.ts - draws a laid-out graph and moves over it: pan, zoom, pick. No framework; one canvas, only what is in sight.
import { iconPath } from "../parts/icon";
import type { Tone } from "../base/words";
import { NODE_HEIGHT, NODE_WIDTH, type LayoutResult } from "./layout";
import type { Drawing, GraphNode } from "./model";

export interface View { x: number; y: number; scale: number } // of the canvas' left upper corner, in the graph
export interface Scene {
  drawing: Drawing;
  at: LayoutResult;
  /** Nodes that the selection means; null: there is none. */
  marked: ReadonlySet<number> | null;
  picked: number;
  over: number;
}

const SCALE_MIN = 0.03;
const SCALE_MAX = 2.5;
const TEXT_SCALE = 0.38; // below it the words of a node are no longer readable, and not drawn
const NAME_SCALE = 0.28; // below it its name, drawn larger, is neither
const TONES: Tone[] = ["good", "bad", "warn", "busy", "idle", "off"];
const MINIMAP = { width: 180, height: 120, margin: 8, largest: 0.2 };

interface Colours { page: string; card: string; text: string; soft: string; line: string; accent: string; edge: string; tones: Record<Tone, string>; fills: Record<Tone, string> }

export class GraphCanvas {
  view: View = { x: 0, y: 0, scale: 1 };
  private scene: Scene | null = null;
  private colours: Colours;
  private readonly paths = new Map<string, Path2D>();
  private frame = 0;
  private names = new Map<string, string>();
  private pointers = new Map<number, { x: number; y: number }>();
  private moved = 0;
  private pinch = 0;
  private mapImage: HTMLCanvasElement | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly map: HTMLCanvasElement,
    private readonly on: { pick: (node: number) => void; over: (node: number) => void; open: (node: number) => void },
  ) {
    this.colours = this.readColours();
    canvas.addEventListener("wheel", this.onWheel, { passive: false });
    canvas.addEventListener("pointerdown", this.onDown);
    canvas.addEventListener("pointermove", this.onMove);
    canvas.addEventListener("pointerup", this.onUp);
    canvas.addEventListener("pointercancel", this.onUp);
    canvas.addEventListener("pointerleave", () => this.on.over(-1));
    canvas.addEventListener("dblclick", (event) => {
      const node = this.nodeAt(event.offsetX, event.offsetY);
      if (node >= 0) this.on.open(node);
    });
    map.addEventListener("pointerdown", this.onMap);
    map.addEventListener("pointermove", (event) => event.buttons && this.onMap(event));
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.canvas.removeEventListener("wheel", this.onWheel);
  }

  /** The colours stand in the style sheet; read again when the theme changes. */
  readColours(): Colours {
    const style = getComputedStyle(document.documentElement);
    const of = (name: string) => style.getPropertyValue(name).trim();
    const tones = Object.fromEntries(TONES.map((tone) => [tone, of(`--${tone}`)])) as Record<Tone, string>;
    const fills = Object.fromEntries(TONES.map((tone) => [tone, of(`--${tone}-fill`)])) as Record<Tone, string>;
    this.colours = { fills, page: of("--page"), card: of("--card"), text: of("--text"), soft: of("--soft"), line: of("--line"), accent: of("--accent"), edge: of("--edge"), tones };
    this.mapImage = null;
    this.draw();
    return this.colours;
  }

  show(scene: Scene | null): void {
    if (scene?.at !== this.scene?.at || scene?.drawing !== this.scene?.drawing || scene?.marked !== this.scene?.marked) this.mapImage = null;
    this.scene = scene;
    this.draw();
  }

  resize(): void {
    const box = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.map.width = MINIMAP.width * ratio;
    this.map.height = MINIMAP.height * ratio;
    this.mapImage = null;
    this.draw();
  }

  fit(nodes?: Iterable<number>): void {
    const scene = this.scene;
    if (!scene) return;
    let [left, top, right, bottom] = [0, 0, scene.at.width, scene.at.height];
    const list = nodes ? [...nodes] : [];
    if (list.length) {
      const xs = list.map((node) => scene.at.x[node] as number);
      const ys = list.map((node) => scene.at.y[node] as number);
      [left, top, right, bottom] = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + NODE_WIDTH, Math.max(...ys) + NODE_HEIGHT];
    }
    const { width, height } = this.size();
    const scale = Math.max(SCALE_MIN, Math.min(1.1, width / (right - left + 80), height / (bottom - top + 80)));
    this.view = { scale, x: (left + right) / 2 - width / 2 / scale, y: (top + bottom) / 2 - height / 2 / scale };
    this.draw();
  }

  zoom(factor: number, x?: number, y?: number): void {
    const { width, height } = this.size();
    const [px, py] = [x ?? width / 2, y ?? height / 2];
    const scale = Math.max(SCALE_MIN, Math.min(SCALE_MAX, this.view.scale * factor));
    this.view = { scale, x: this.view.x + px / this.view.scale - px / scale, y: this.view.y + py / this.view.scale - py / scale };
    this.draw();
  }

  pan(dx: number, dy: number): void {
    this.view = { ...this.view, x: this.view.x + dx / this.view.scale, y: this.view.y + dy / this.view.scale };
    this.draw();
  }

  /** Moves the view so that the node can be seen. */
  reveal(node: number): void {
    const at = this.scene?.at;
    if (!at) return;
    const { width, height } = this.size();
    if (this.view.scale < TEXT_SCALE) this.view.scale = 0.8;
    const [x, y] = [at.x[node] as number, at.y[node] as number];
    const [w, h] = [width / this.view.scale, height / this.view.scale];
    if (x < this.view.x || x + NODE_WIDTH > this.view.x + w) this.view.x = x + NODE_WIDTH / 2 - w / 2;
    if (y < this.view.y || y + NODE_HEIGHT > this.view.y + h) this.view.y = y + NODE_HEIGHT / 2 - h / 2;
    this.draw();
  }

  nodeAt(px: number, py: number): number {
    const scene = this.scene;
    if (!scene) return -1;
    const x = this.view.x + px / this.view.scale;
    const y = this.view.y + py / this.view.scale;
    for (let i = scene.drawing.nodes.length - 1; i >= 0; i--) {
      const dx = x - (scene.at.x[i] as number);
      const dy = y - (scene.at.y[i] as number);
      if (dx >= 0 && dx <= NODE_WIDTH && dy >= 0 && dy <= NODE_HEIGHT) return i;
    }
    return -1;
  }

  private size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  private readonly onWheel = (event: WheelEvent) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || Math.abs(event.deltaX) < Math.abs(event.deltaY)) this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    else this.pan(event.deltaX, event.deltaY);
  };

  private readonly onDown = (event: PointerEvent) => {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.moved = 0;
    this.pinch = 0;
  };

  private readonly onMove = (event: PointerEvent) => {
    const old = this.pointers.get(event.pointerId);
    if (!old) {
      this.on.over(this.nodeAt(event.offsetX, event.offsetY));
      return;
    }
    const now = { x: event.offsetX, y: event.offsetY };
    this.pointers.set(event.pointerId, now);
    const [a, b] = [...this.pointers.values()];
    if (a && b) {
      const apart = Math.hypot(a.x - b.x, a.y - b.y);
      if (this.pinch > 0) this.zoom(apart / this.pinch, (a.x + b.x) / 2, (a.y + b.y) / 2);
      this.pinch = apart;
      this.moved = 99;
      return;
    }
    this.moved += Math.hypot(now.x - old.x, now.y - old.y);
    this.pan(old.x - now.x, old.y - now.y);
  };

  private readonly onUp = (event: PointerEvent) => {
    if (this.pointers.delete(event.pointerId) && this.moved < 5 && event.type === "pointerup") this.on.pick(this.nodeAt(event.offsetX, event.offsetY));
  };

  private readonly onMap = (event: PointerEvent) => {
    const at = this.scene?.at;
    if (!at) return;
    const scale = this.mapScale(at);
    const { width, height } = this.size();
    const [left, top] = this.mapOrigin(at, scale);
    this.view = { ...this.view, x: (event.offsetX - left) / scale - width / 2 / this.view.scale, y: (event.offsetY - top) / scale - height / 2 / this.view.scale };
    this.draw();
  };

  private mapScale(at: LayoutResult): number {
    const room = (side: number) => side - 2 * MINIMAP.margin;
    return Math.min(MINIMAP.largest, room(MINIMAP.width) / Math.max(1, at.width), room(MINIMAP.height) / Math.max(1, at.height));
  }

  /** Where the graph begins in the minimap: it stands in the middle. */
  private mapOrigin(at: LayoutResult, scale: number): [number, number] {
    return [(MINIMAP.width - at.width * scale) / 2, (MINIMAP.height - at.height * scale) / 2];
  }

  draw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const scene = this.scene;
    if (!scene) return;
    const { x, y, scale } = this.view;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, -x * scale * ratio, -y * scale * ratio);
    const sight = { left: x - 20, top: y - 20, right: x + width / scale + 20, bottom: y + height / scale + 20 };
    this.paintEdges(context, scene, sight);
    this.paintNodes(context, scene, sight);
    this.paintMap(scene, width, height);
  }

  private trace(context: CanvasRenderingContext2D, at: LayoutResult, edge: number, from: number, to: number): void {
    let px = (at.x[from] as number) + NODE_WIDTH;
    let py = (at.y[from] as number) + NODE_HEIGHT / 2;
    context.moveTo(px, py);
    const bends = at.bends[edge] as Float64Array;
    const curve = (nx: number, ny: number) => {
      const half = (nx - px) / 2;
      context.bezierCurveTo(px + half, py, nx - half, ny, nx, ny);
      px = nx;
      py = ny;
    };
    for (let i = 0; i < bends.length; i += 2) curve(bends[i] as number, bends[i + 1] as number);
    curve(at.x[to] as number, (at.y[to] as number) + NODE_HEIGHT / 2);
  }

  private paintEdges(context: CanvasRenderingContext2D, scene: Scene, sight: Sight): void {
    const { at, drawing } = scene;
    const isFaint = (from: number, to: number) => scene.marked !== null && !(scene.marked.has(from) && scene.marked.has(to));
    const isNear = (from: number, to: number) => from === scene.picked || to === scene.picked || from === scene.over || to === scene.over;
    const width = Math.max(1, 0.8 / this.view.scale);
    for (const pass of ["faint", "plain", "near"] as const) {
      context.beginPath();
      drawing.edges.forEach(([from, to], i) => {
        const kind = isNear(from, to) ? "near" : isFaint(from, to) ? "faint" : "plain";
        if (kind !== pass) return;
        const [x1, x2] = [at.x[from] as number, (at.x[to] as number) + NODE_WIDTH];
        if (Math.max(x1, x2) < sight.left || Math.min(x1, x2) > sight.right) return;
        let low = Math.min(at.y[from] as number, at.y[to] as number);
        let high = Math.max(at.y[from] as number, at.y[to] as number) + NODE_HEIGHT;
        const bends = at.bends[i] as Float64Array;
        for (let k = 1; k < bends.length; k += 2) {
          low = Math.min(low, bends[k] as number);
          high = Math.max(high, bends[k] as number);
        }
        if (high < sight.top || low > sight.bottom) return;
        this.trace(context, at, i, from, to);
      });
      context.strokeStyle = pass === "near" ? this.colours.accent : this.colours.edge;
      context.globalAlpha = pass === "faint" ? 0.25 : pass === "plain" && this.view.scale < TEXT_SCALE ? 0.55 : 1;
      context.lineWidth = pass === "near" ? width * 1.8 : width;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  private paintNodes(context: CanvasRenderingContext2D, scene: Scene, sight: Sight): void {
    const isReadable = this.view.scale >= TEXT_SCALE;
    context.textBaseline = "middle";
    scene.drawing.nodes.forEach((node, i) => {
      const x = scene.at.x[i] as number;
      const y = scene.at.y[i] as number;
      if (x + NODE_WIDTH < sight.left || x > sight.right || y + NODE_HEIGHT < sight.top || y > sight.bottom) return;
      context.globalAlpha = scene.marked && !scene.marked.has(i) ? 0.28 : 1;
      if (!isReadable) {
        // Too small for a word: what is wrong stands out by its size as well as by its colour.
        const more = node.tone === "bad" || node.tone === "warn" ? 7 : 0;
        context.fillStyle = this.colours.fills[node.tone];
        context.fillRect(x - more, y - more, NODE_WIDTH + 2 * more, NODE_HEIGHT + 2 * more);
        if (this.view.scale >= NAME_SCALE) this.paintName(context, node, x, y);
      } else this.paintNode(context, node, x, y, i === scene.picked, i === scene.over);
    });
    context.globalAlpha = 1;
    const picked = scene.picked;
    if (picked >= 0 && !isReadable) {
      context.strokeStyle = this.colours.accent;
      context.lineWidth = 3 / this.view.scale;
      context.strokeRect(scene.at.x[picked] as number, scene.at.y[picked] as number, NODE_WIDTH, NODE_HEIGHT);
    }
  }

  private paintNode(context: CanvasRenderingContext2D, node: GraphNode, x: number, y: number, isPicked: boolean, isOver: boolean): void {
    const tone = this.colours.tones[node.tone];
    context.fillStyle = this.colours.card;
    context.strokeStyle = isPicked || isOver ? this.colours.accent : this.colours.line;
    context.lineWidth = isPicked ? 2.5 : 1;
    if (node.isGroup) {
      context.beginPath();
      context.roundRect(x + 4, y - 4, NODE_WIDTH - 8, NODE_HEIGHT, 7);
      context.stroke();
    }
    context.beginPath();
    context.roundRect(x, y, NODE_WIDTH, NODE_HEIGHT, 7);
    context.fill();
    context.stroke();
    context.fillStyle = tone;
    context.beginPath();
    context.roundRect(x, y, 5, NODE_HEIGHT, [7, 0, 0, 7]);
    context.fill();
    this.icon(context, node.icon, x + 14, y + 6, 15, this.colours.soft, 1.9);
    context.fillStyle = this.colours.text;
    context.font = "600 13px system-ui, sans-serif";
    context.fillText(this.fitted(context, node.name, NODE_WIDTH - (node.isInRun ? 64 : 46)), x + 35, y + 15);
    if (node.isInRun) this.icon(context, "busy", x + NODE_WIDTH - 24, y + 8, 14, this.colours.tones.busy, 3);
    this.icon(context, node.tone, x + 16, y + 27, 11, tone, 3);
    context.fillStyle = this.colours.soft;
    context.font = "11.5px system-ui, sans-serif";
    context.fillText(this.fitted(context, node.isGroup ? node.word : `${node.word}${node.path ? `  ·  ${node.path.replace(/\/$/, "")}` : ""}`, NODE_WIDTH - 46), x + 35, y + 33);
  }

  /** On what is filled with its colour: how it is, and as much of its name as there is room for. */
  private paintName(context: CanvasRenderingContext2D, node: GraphNode, x: number, y: number): void {
    context.fillStyle = this.colours.card;
    context.fillRect(x + 14, y, NODE_WIDTH - 14, NODE_HEIGHT);
    this.icon(context, node.tone, x + 19, y + NODE_HEIGHT / 2 - 11, 22, this.colours.tones[node.tone], 3.4);
    context.fillStyle = this.colours.text;
    context.font = "600 27px system-ui, sans-serif";
    context.fillText(this.fitted(context, node.name, NODE_WIDTH - 50), x + 45, y + NODE_HEIGHT / 2 + 1);
  }

  private icon(context: CanvasRenderingContext2D, name: string, x: number, y: number, size: number, colour: string, width: number): void {
    let path = this.paths.get(name);
    if (!path) this.paths.set(name, (path = new Path2D(iconPath(name))));
    context.save();
    context.translate(x, y);
    context.scale(size / 24, size / 24);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.stroke(path);
    context.restore();
  }

  // Measuring text is slow; what was cut once is remembered.
  private fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
    const key = `${context.font}${text}`;
    const known = this.names.get(key);
    if (known !== undefined) return known;
    let shown = text;
    while (shown.length > 3 && context.measureText(shown).width > width) shown = `${shown.slice(0, -2).replace(/…$/, "").slice(0, -1)}…`;
    if (this.names.size > 20_000) this.names.clear();
    this.names.set(key, shown);
    return shown;
  }

  private paintMap(scene: Scene, width: number, height: number): void {
    const context = this.map.getContext("2d");
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    const scale = this.mapScale(scene.at);
    const [left, top] = this.mapOrigin(scene.at, scale);
    if (!this.mapImage) {
      this.mapImage = document.createElement("canvas");
      this.mapImage.width = this.map.width;
      this.mapImage.height = this.map.height;
      const image = this.mapImage.getContext("2d") as CanvasRenderingContext2D;
      image.scale(ratio, ratio);
      image.translate(left, top);
      scene.drawing.nodes.forEach((node, i) => {
        image.globalAlpha = scene.marked && !scene.marked.has(i) ? 0.25 : 1;
        image.fillStyle = this.colours.fills[node.tone];
        image.fillRect((scene.at.x[i] as number) * scale, (scene.at.y[i] as number) * scale, Math.max(1.5, NODE_WIDTH * scale), Math.max(1.5, NODE_HEIGHT * scale));
      });
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.map.width, this.map.height);
    context.drawImage(this.mapImage, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.strokeStyle = this.colours.accent;
    context.lineWidth = 1.5;
    // What is in sight, as far as it is on the map.
    const [x1, y1] = [Math.max(1, left + this.view.x * scale), Math.max(1, top + this.view.y * scale)];
    const [x2, y2] = [Math.min(MINIMAP.width - 1, left + (this.view.x + width / this.view.scale) * scale), Math.min(MINIMAP.height - 1, top + (this.view.y + height / this.view.scale) * scale)];
    if (x2 > x1 && y2 > y1) context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
}

interface Sight { left: number; top: number; right: number; bottom: number }
