// png.mjs - makes a screenshot small: at most 256 colours, packed well. A page has few colours and many shades of their
// edges, so what is rarest takes the nearest of what is common.
import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS_MAX = 256;
const APART = 6; // colours nearer than that to one that is taken are not taken themselves

const CRC = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function chunk(type, body) {
  const whole = Buffer.concat([Buffer.from(type, "latin1"), body]);
  let crc = 0xffffffff;
  for (const byte of whole) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  const out = Buffer.alloc(whole.length + 8);
  out.writeUInt32BE(body.length, 0);
  whole.copy(out, 4);
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, whole.length + 4);
  return out;
}

/** Width, height and three bytes a pixel of what Chromium writes: eight bits, RGB or RGBA, not interlaced. */
export function decode(file) {
  const packed = [];
  let [width, height, bytes] = [0, 0, 0];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    const type = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    if (type === "IDAT") packed.push(body);
    if (type !== "IHDR") continue;
    [width, height, bytes] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 6 ? 4 : 3];
    if (body[8] !== 8 || ![2, 6].includes(body[9]) || body[12] !== 0) throw new Error("not a PNG as Chromium writes it");
  }
  const lines = inflateSync(Buffer.concat(packed));
  const line = width * bytes;
  const pixels = new Uint32Array(width * height);
  let above = new Uint8Array(line);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (line + 1)];
    const now = lines.subarray(y * (line + 1) + 1, (y + 1) * (line + 1));
    for (let x = 0; x < line; x++) now[x] += predict(filter, x >= bytes ? now[x - bytes] : 0, above[x], x >= bytes ? above[x - bytes] : 0);
    for (let x = 0; x < width; x++) pixels[y * width + x] = (now[x * bytes] << 16) | (now[x * bytes + 1] << 8) | now[x * bytes + 2];
    above = now;
  }
  return { width, height, pixels };
}

function predict(filter, left, up, corner) {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const all = left + up - corner;
  const [a, b, c] = [Math.abs(all - left), Math.abs(all - up), Math.abs(all - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

const apart = (a, b) => Math.abs((a >> 16) - (b >> 16)) + Math.abs(((a >> 8) & 255) - ((b >> 8) & 255)) + Math.abs((a & 255) - (b & 255));

function nearest(palette, colour) {
  let best = 0;
  for (let i = 1; i < palette.length; i++) if (apart(palette[i], colour) < apart(palette[best], colour)) best = i;
  return best;
}

export function small(file) {
  const { width, height, pixels } = decode(file);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [];
  for (const [colour] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (palette.length === COLOURS_MAX) break;
    if (palette.length < 16 || apart(palette[nearest(palette, colour)], colour) >= APART) palette.push(colour);
  }
  const index = new Map([...counts.keys()].map((colour) => [colour, nearest(palette, colour)]));
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = index.get(pixels[y * width + x]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", colours), chunk("IDAT", deflateSync(lines, { level: 9, memLevel: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
