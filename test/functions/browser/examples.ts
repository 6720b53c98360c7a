/** The examples in the documentation of what is packed, each a file: `["seam-components", "import …"]`. */
export function examplesIn(documentation: string): [name: string, code: string][] {
  const parts = documentation
    .replaceAll(/^ \*\/? ?/gm, '')
    .split(/^@example /m)
    .slice(1)
  return parts.map((part) => {
    const [title = '', ...lines] = part.split('\n')
    const end = lines.findIndex((line) =>
      /^export (declare )?(function (clientSession|useClientSession)|class TokenVending)/.test(line),
    )
    const code = lines.slice(0, end === -1 ? undefined : end)
    return [title.toLowerCase().replaceAll(/[^a-z]+/g, '-'), code.join('\n')]
  })
}
