export type Values = Record<string, string | number>;

// "{name} was created" with {name: "ledger"}. A value is put in as it is, whatever it looks like.
export function fillText(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}
