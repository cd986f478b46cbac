// Paths of the console, as patterns with ":name" segments.
export type Parameters = Record<string, string>;

// The values of `:name` segments when `path` has the form of `pattern`, else null.
export function match(pattern: string, path: string): Parameters | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const found: Parameters = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) {
      if (!value) return null;
      found[part.slice(1)] = decode(value);
    } else if (part !== value) {
      return null;
    }
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// fillPath("/instances/:instance/keys", {instance}) for links.
export function fillPath(pattern: string, values: Parameters): string {
  return pattern.replace(/:([a-zA-Z]+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
}
