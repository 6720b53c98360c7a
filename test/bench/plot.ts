/** Plots as SVG text: bars with their spread, and lines over time. Readable on light and dark pages. */

const font = 'font-family="system-ui, sans-serif" font-size="13"'
const ink = '#7a7f87'
const colours = ['#2f6fde', '#d9822b', '#2e9e6b', '#8a5cd0']

export interface Bar {
  label: string
  /** Stacked, in this order. */
  parts: number[]
  highlighted?: boolean
}

/** Horizontal bars; `parts` names what is stacked. */
export function barPlot(title: string, unit: string, parts: string[], bars: Bar[]): string {
  const [left, width, row, top] = [330, 420, 30, 60]
  const most = Math.max(...bars.map((bar) => sum(bar.parts)))
  const height = top + bars.length * row + 20
  const body = bars.map((bar, i) => {
    const y = top + i * row
    let x = left
    const rectangles = bar.parts.map((value, part) => {
      const length = (value / most) * width
      const rectangle = `<rect x="${px(x)}" y="${y}" width="${px(length)}" height="18" fill="${colours[part]}" opacity="${bar.highlighted ? 1 : 0.55}"/>`
      x += length
      return rectangle
    })
    const weight = bar.highlighted ? ' font-weight="600"' : ''
    return `<text x="${left - 10}" y="${y + 14}" text-anchor="end"${weight}>${escaped(bar.label)}</text>${rectangles.join('')}<text x="${px(x + 6)}" y="${y + 14}">${sum(bar.parts).toFixed(sum(bar.parts) < 10 ? 1 : 0)} ${unit}</text>`
  })
  return svg(title, left + width + 90, height, [...legend(parts, left), ...body])
}

export interface Line {
  label: string
  /** Evenly spaced over the x axis. */
  values: number[]
}

export function linePlot(title: string, axes: { x: string; to: number; y: string }, lines: Line[]): string {
  const [left, top, width, height] = [70, 60, 640, 240]
  const most = Math.max(...lines.flatMap(({ values }) => values))
  const curves = lines.map(({ values }, i) => {
    const points = values.map(
      (value, at) =>
        `${px(left + (at / (values.length - 1)) * width)},${px(top + height - (value / most) * height)}`,
    )
    return `<polyline fill="none" stroke="${colours[i]}" stroke-width="1.6" points="${points.join(' ')}"/>`
  })
  const marks = [0, 0.25, 0.5, 0.75, 1]
  const axis = [
    `<path d="M${left} ${top}V${top + height}H${left + width}" fill="none" stroke="${ink}"/>`,
    ...marks.map(
      (share) =>
        `<text x="${left - 8}" y="${px(top + height - share * height + 4)}" text-anchor="end">${short(share * most)}</text><text x="${px(left + share * width)}" y="${top + height + 20}" text-anchor="middle">${short(share * axes.to)}</text>`,
    ),
    `<text x="${left + width / 2}" y="${top + height + 42}" text-anchor="middle">${escaped(axes.x)}</text>`,
    `<text x="${left}" y="${top - 8}">${escaped(axes.y)}</text>`,
  ]
  const names = lines.map(({ label }) => label)
  return svg(title, left + width + 30, top + height + 60, [...legend(names, left + 260), ...axis, ...curves])
}

function legend(names: string[], x: number): string[] {
  if (names.length < 2) return []
  return names.map(
    (name, i) =>
      `<rect x="${x + i * 190}" y="34" width="12" height="12" fill="${colours[i]}"/><text x="${x + i * 190 + 18}" y="45">${escaped(name)}</text>`,
  )
}

function svg(title: string, width: number, height: number, body: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" ${font} fill="${ink}">`,
    `<text x="10" y="20" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...body,
    '</svg>\n',
  ].join('\n')
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const px = (value: number) => value.toFixed(1)
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(2))} M`
  return value >= 1000 ? `${Number((value / 1000).toPrecision(2))} k` : String(Number(value.toPrecision(2)))
}
