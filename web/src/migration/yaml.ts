// Reads the part of YAML that plans are written in, and refuses the rest: block maps and lists, one scalar a line. The
// tool reads more; a summary of a text that was half understood would be worse than none.

export type Node = string | Node[] | { [name: string]: Node };

export class Unreadable extends Error {
  // `line` counts from 1.
  constructor(readonly line: number) {
    super(`line ${line}`);
  }
}

interface Line {
  number: number;
  indent: number;
  text: string;
}

const ENTRY = /^([A-Za-z_]+):(?: +(.*))?$/;
const isItem = (line: Line | undefined) => line !== undefined && (line.text === "-" || line.text.startsWith("- "));

// Throws Unreadable.
export function readYaml(text: string): Node {
  const lines: Line[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const content = line.trimStart();
    if (content === "" || content.startsWith("#")) return;
    const indent = line.length - content.length;
    if (line.slice(0, indent).includes("\t")) throw new Unreadable(index + 1);
    lines.push({ number: index + 1, indent, text: content.trimEnd() });
  });
  const reader = new Reader(lines);
  const node = reader.block();
  reader.end();
  return node;
}

class Reader {
  private next = 0;
  constructor(private readonly lines: Line[]) {}

  block(): Node {
    const first = this.lines[this.next];
    if (!first) return "";
    return isItem(first) ? this.list(first.indent) : this.map(first.indent);
  }

  end() {
    const line = this.lines[this.next];
    if (line) throw new Unreadable(line.number);
  }

  private list(indent: number): Node[] {
    const out: Node[] = [];
    for (let line = this.lines[this.next]; line && line.indent === indent && isItem(line); line = this.lines[this.next]) {
      const rest = line.text.slice(1).trimStart();
      if (ENTRY.test(rest)) {
        // A map whose first member stands behind the dash.
        this.lines[this.next] = { ...line, indent: indent + line.text.length - rest.length, text: rest };
        out.push(this.block());
      } else {
        this.next += 1;
        out.push(rest === "" ? this.inner(indent, line) : scalar(rest, line.number));
      }
    }
    return out;
  }

  private map(indent: number): Node {
    const out = Object.create(null) as { [name: string]: Node };
    for (let line = this.lines[this.next]; line && line.indent === indent; line = this.lines[this.next]) {
      const found = ENTRY.exec(line.text);
      const name = found?.[1];
      if (!found || !name || name in out) throw new Unreadable(line.number);
      this.next += 1;
      out[name] = found[2] === undefined || found[2].startsWith("#") ? this.inner(indent, line) : scalar(found[2], line.number);
    }
    return out;
  }

  // What stands below a member or dash without a value. A list may stand as far left as its name.
  private inner(indent: number, above: Line): Node {
    const line = this.lines[this.next];
    if (!line || line.indent < indent) return "";
    if (line.indent === indent && !(isItem(line) && !isItem(above))) return "";
    return this.block();
  }
}

const DOUBLE = /^"((?:[^"\\]|\\.)*)"(?:\s+#.*)?$/;
const SINGLE = /^'((?:[^']|'')*)'(?:\s+#.*)?$/;
const PLAIN = /^[\p{L}\p{N}_./+-](?:(?!: | #|:$).)*/u;

function scalar(text: string, line: number): Node {
  const double = DOUBLE.exec(text);
  if (double) return unescape(double[1] ?? "", line);
  const single = SINGLE.exec(text);
  if (single) return (single[1] ?? "").replaceAll("''", "'");
  if (/^\[\s*\](?:\s+#.*)?$/.test(text)) return [];
  if (/^(?:~|null)(?:\s+#.*)?$/.test(text)) return "";
  const plain = PLAIN.exec(text)?.[0];
  const rest = plain === undefined ? text : text.slice(plain.length);
  if (plain === undefined || plain.startsWith("- ") || !(rest === "" || rest.startsWith(" #"))) throw new Unreadable(line);
  return plain.trimEnd();
}

const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0", a: "\x07", e: "\x1b", v: "\v" };

function unescape(text: string, line: number): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g, (_, two?: string, four?: string, eight?: string, letter?: string) => {
    const hex = two ?? four ?? eight;
    const point = hex === undefined ? -1 : parseInt(hex, 16);
    const out = hex === undefined ? ESCAPES[letter ?? ""] : point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
    if (out === undefined) throw new Unreadable(line);
    return out;
  });
}
