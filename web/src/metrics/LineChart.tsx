// A small chart of lines over time, drawn by ourselves, and the same figures as a table for whoever does not see it.
import { localeOf } from "../components/Time";
import { useI18n } from "../i18n";

const WIDTH = 600;
const HEIGHT = 120;

export interface Line {
  name: string;
  // Each kind has its colour and its dashes (styles/_operations.scss): colour alone tells nobody apart.
  kind: "main" | "warning" | "danger";
  values: (number | null)[];
}

interface LineChartProps {
  title: string;
  unit: string;
  // Milliseconds since 1970, one for each value.
  times: number[];
  lines: Line[];
}

export function LineChart({ title, unit, times, lines }: LineChartProps) {
  const { t, language } = useI18n();
  const top = niceTop(Math.max(0, ...lines.flatMap((line) => line.values.filter((value) => value !== null))));
  const clock = (at: number) => new Date(at).toLocaleTimeString(localeOf(language), { timeStyle: "medium" });
  const figure = (value: number | null | undefined) => (value === null || value === undefined ? "–" : value.toLocaleString(localeOf(language), { maximumFractionDigits: value < 10 ? 2 : 0 }));
  const latest = lines.map((line) => `${line.name}: ${figure(line.values.at(-1))} ${unit}`).join(", ");
  return (
    <figure className="kh-chart">
      <figcaption>
        <strong>{title}</strong>
        <span className="kh-chart-legend">
          {lines.map((line) => (
            <span key={line.name} className={`kh-line-${line.kind}`}>
              <svg width="24" height="8" aria-hidden="true">
                <path d="M0 4H24" />
              </svg>
              {line.name} {figure(line.values.at(-1))} {unit}
            </span>
          ))}
        </span>
      </figcaption>
      <div className="kh-chart-area">
        <span className="kh-chart-top" aria-hidden="true">
          {figure(top)} {unit}
        </span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}. ${latest}`}>
          <path className="kh-grid" d={`M0 1H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 1}H${WIDTH}`} />
          {lines.map((line) => (
            <path key={line.name} className={`kh-line-${line.kind}`} d={pathOf(line.values, times, top)} />
          ))}
        </svg>
        <span className="kh-chart-times" aria-hidden="true">
          <span>{times.length > 0 && clock(times[0]!)}</span>
          <span>{times.length > 1 && clock(times.at(-1)!)}</span>
        </span>
      </div>
      <details>
        <summary>{t("metrics.asTable", { title })}</summary>
        <div className="kh-chart-table" tabIndex={0} role="region" aria-label={title}>
          <table className="cds--data-table cds--data-table--sm">
            <thead>
              <tr>
                <th scope="col">{t("metrics.time")}</th>
                {lines.map((line) => (
                  <th key={line.name} scope="col">{`${line.name} (${unit})`}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times
                .map((at, index) => (
                  <tr key={at}>
                    <td>{clock(at)}</td>
                    {lines.map((line) => (
                      <td key={line.name}>{figure(line.values[index])}</td>
                    ))}
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

// 1, 2 or 5 times a power of ten.
function niceTop(highest: number): number {
  if (!(highest > 0) || !Number.isFinite(highest)) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5, 10].find((step) => step * power >= highest) ?? 10);
}

// A gap where there is no value; a value between two gaps is a short dash.
function pathOf(values: (number | null)[], times: number[], top: number): string {
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  const x = (at: number) => (last > first ? ((at - first) / (last - first)) * WIDTH : WIDTH);
  let isDrawing = false;
  return values
    .map((value, index) => {
      if (value === null) {
        isDrawing = false;
        return "";
      }
      const point = `${x(times[index]!).toFixed(1)} ${(HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2)).toFixed(1)}`;
      const part = isDrawing ? `L${point}` : `M${point}h1`;
      isDrawing = true;
      return part;
    })
    .join("");
}
