import { hash } from 'node:crypto'

/** An issuer's subjects are `<namespace>|<value>`. */
export function subjectNamespace(issuer: { name: string; subjectNamespace?: string | undefined }): string {
  return issuer.subjectNamespace ?? issuer.name
}

/** What stands for a subject in keys, in logs and at Seam: 22 characters that reveal nothing about it. */
export function ownerOf(subject: string): string {
  return hash('sha256', subject, 'buffer').subarray(0, 16).toString('base64url')
}
