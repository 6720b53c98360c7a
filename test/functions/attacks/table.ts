import type { Row } from './row.ts'
import { algorithmRows } from './rows/algorithms.ts'
import { claimRows } from './rows/claims.ts'
import { credentialRows } from './rows/credentials.ts'
import { goodRows } from './rows/good.ts'
import { headerRows } from './rows/headers.ts'
import { readingRows } from './rows/reading.ts'
import { requestRows } from './rows/requests.ts'
import { signatureRows } from './rows/signatures.ts'
import { subjectRows } from './rows/subjects.ts'

export const badRows: Row[] = [
  ...credentialRows,
  ...readingRows,
  ...algorithmRows,
  ...signatureRows,
  ...headerRows,
  ...claimRows,
  ...subjectRows,
  ...requestRows,
]

export const table: Row[] = [...goodRows, ...badRows]
