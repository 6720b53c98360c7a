import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Whether a `cdk deploy` runs this app. The app is not told, so its ancestors (a shell, cdk, npx) are asked; where
 * they cannot be, the answer is false, and CloudFormation refuses what must not be deployed by a rule of the template.
 */
export function deploying(): boolean {
  try {
    let pid = process.ppid
    for (let ancestor = 0; ancestor < 3; ancestor++) {
      const { command, parent } = lookUp(pid)
      if (/\bcdk\S* (.* )?deploy\b/.test(command)) return true
      pid = parent
    }
  } catch {
    // A platform without either way to look them up.
  }
  return false
}

function lookUp(pid: number): { command: string; parent: number } {
  if (process.platform === 'linux')
    return {
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
      parent: Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
    }
  const line = execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const [, parent, command = ''] = /^\s*(\d+)\s+(.*)/.exec(line) ?? []
  return { command, parent: Number(parent) }
}
