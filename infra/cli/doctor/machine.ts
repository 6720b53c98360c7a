import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bad, type Finding, good, look, unknown } from './finding.ts'

/** What the project's commands run with. */
export async function machineFindings(versions = versionsHere()): Promise<Finding[]> {
  const { node, npm } = await versions
  return [
    Number.parseInt(node, 10) >= 24
      ? good('Node', node)
      : bad('Node', `${node} runs this`, 'use "npm run doctor": npm’s scripts bring Node 24 with them'),
    npm === undefined
      ? unknown('npm', 'is not on the path')
      : Number.parseInt(npm, 10) >= 11
        ? good('npm', npm)
        : look('npm', npm, 'npm install -g npm@11, with which the lock file was made'),
  ]
}

async function versionsHere(): Promise<{ node: string; npm: string | undefined }> {
  const npm = await promisify(execFile)('npm', ['--version'], { shell: process.platform === 'win32' }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
  return { node: process.versions.node, npm }
}
