import { passed } from './leaks.ts'

/** What a `curl` command says, done without curl: not every machine has it. */

export interface Pasted {
  status: number
  text: string
}

/** Sends the request that the command would, as a shell with these variables reads it. */
export async function paste(command: string, variables: Record<string, string> = {}): Promise<Pasted> {
  const [program, ...words] = shellWords(
    await substituted(command.replaceAll('\\\n', ' '), variables),
    variables,
  )
  if (program !== 'curl') throw new Error(`No curl: ${command}`)
  let url = ''
  let method: string | undefined
  let body: string | undefined
  const headers = new Headers()
  while (words.length > 0) {
    const word = words.shift() ?? ''
    const value = () => words.shift() ?? ''
    if (word === '-X') method = value()
    else if (word === '-H') headers.append(...nameAndValue(value()))
    else if (word === '-d') body = value()
    // What is printed besides the answer.
    else if (word === '-w') value()
    else if (word.startsWith('http')) url = word
    else if (word !== '-sS') throw new Error(`Nobody here knows what curl does with ${word}`)
  }
  if (body !== undefined && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded')
  method ??= body === undefined ? 'GET' : 'POST'
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  passed(text)
  return { status: response.status, text }
}

/** With each `$(curl …)` replaced by the answer to it. */
async function substituted(command: string, variables: Record<string, string>): Promise<string> {
  const [inner, line = ''] = /\$\(([^()]*)\)/.exec(command) ?? []
  return inner === undefined ? command : command.replace(inner, (await paste(line, variables)).text.trim())
}

function shellWords(line: string, variables: Record<string, string>): string[] {
  const expanded = (text: string) => text.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? '')
  return (line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"|([^'"]+)/g, (_, literal?: string, quoted?: string, bare?: string) =>
      literal === undefined ? expanded(quoted ?? bare ?? '') : literal,
    ),
  )
}

function nameAndValue(header: string): [string, string] {
  const colon = header.indexOf(':')
  return [header.slice(0, colon), header.slice(colon + 1).trim()]
}
