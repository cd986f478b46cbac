// The text format of Prometheus, version 0.0.4, as far as GET /metrics uses it: comments, labels, values.

export interface Sample {
  labels: Record<string, string>;
  value: number;
}
export type Families = Map<string, Sample[]>;

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?[ \t]*/y;
const ESCAPES: Record<string, string> = { n: "\n", "\\": "\\", '"': '"' };

// Lines that are no samples are left out: a newer server may say more than this page understands.
export function parse(text: string): Families {
  const families: Families = new Map();
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const found = LINE.exec(line);
    const labels = found && labelsOf(found[2] ?? "");
    if (!found || !labels) continue;
    const samples = families.get(found[1]!) ?? [];
    samples.push({ labels, value: valueOf(found[3]!) });
    families.set(found[1]!, samples);
  }
  return families;
}

function labelsOf(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text);
    if (!found) return null;
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (whole, letter: string) => ESCAPES[letter] ?? whole);
  }
  return labels;
}

function valueOf(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}
