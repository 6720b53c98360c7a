import { mkdirSync, writeFileSync } from 'node:fs'
import { modelTables, waves } from './model/tables.ts'
import { linePlot } from './plot.ts'
import { rewriteReadmes } from './readmes.ts'

/**
 * `npm run model`: cost and scale on paper that runs. Every formula stands in model/, with its units and sources; change
 * a number there and see. Prints the tables, writes them into the READMEs, and draws the wave after an outage.
 */

console.log(modelTables())
rewriteReadmes()

const { on, off, hours } = waves()
mkdirSync(`${import.meta.dirname}/plots`, { recursive: true })
writeFileSync(
  `${import.meta.dirname}/plots/sign-in-wave.svg`,
  linePlot(
    'After an outage from 1:00 to 1:30',
    { x: 'hours', to: hours, y: 'requests per minute and thousand pages' },
    [
      { label: 'without jitter', values: off.perMinute },
      { label: 'with jitter', values: on.perMinute },
    ],
  ),
)
