import type { Row } from './row.ts'
import { claimRows } from './rows/claims.ts'
import { goodRows } from './rows/good.ts'
import { headerRows } from './rows/headers.ts'
import { readingRows } from './rows/reading.ts'
import { requestRows } from './rows/requests.ts'
import { signatureRows } from './rows/signatures.ts'

export const badRows: Row[] = [...readingRows, ...signatureRows, ...headerRows, ...claimRows, ...requestRows]

export const table: Row[] = [...goodRows, ...badRows]
