import { init } from "echarts";

/** The ratio of each row, from its lowest pair to its highest, and how far it is to reach. */
export function drawRatios({ rows, users, cores, date }) {
  const height = 110 + rows.length * 34;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 900, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: "Ratio to the floor (1 = as fast as the floor)",
      subtext: `${users} people, ${cores} cores, ${date.slice(0, 10)}; bar: median of the pairs; line: lowest to highest; diamond: reach`,
      left: 10,
      top: 6,
      textStyle: { fontSize: 15 },
      subtextStyle: { color: "#555555" },
    },
    grid: { left: 210, right: 30, top: 66, bottom: 30 },
    xAxis: { type: "value", min: 0, max: Math.max(1.2, ...rows.map(({ ratio }) => ratio * 1.1)) },
    yAxis: { type: "category", inverse: true, data: rows.map(({ name }) => name) },
    series: [
      {
        type: "bar",
        barWidth: 16,
        data: rows.map(({ ratio, reach }) => ({
          value: ratio,
          itemStyle: { color: reach === undefined || ratio >= reach ? "#3a7d44" : "#b5651d" },
        })),
        label: { show: true, position: "insideLeft", color: "#ffffff", formatter: ({ value }) => value.toFixed(2) },
      },
      {
        type: "custom",
        data: rows.map(({ lowest, highest }, index) => [lowest, highest, index]),
        renderItem(_, api) {
          const [left, y] = api.coord([api.value(0), api.value(2)]);
          const [right] = api.coord([api.value(1), api.value(2)]);
          return {
            type: "line",
            shape: { x1: left, y1: y + 11, x2: right, y2: y + 11 },
            style: { stroke: "#222222", lineWidth: 1.5 },
          };
        },
        encode: { x: [0, 1], y: 2 },
      },
      {
        type: "scatter",
        symbol: "diamond",
        symbolSize: 10,
        itemStyle: { color: "#1f3a93" },
        data: rows.flatMap(({ reach }, index) => (reach === undefined ? [] : [[reach, index]])),
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
