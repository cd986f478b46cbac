export type Values = Record<string, string | number>;

// "{name} was created" with {name: "ledger"}; "{count} {count|unit|units}" with {count: 1} is "1 unit". A value is put in as it
// is, whatever it looks like.
export function fillText(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    if (!Object.hasOwn(values, name)) return whole;
    const value = String(values[name]);
    return one === undefined || many === undefined ? value : value === "1" ? one : many;
  });
}
