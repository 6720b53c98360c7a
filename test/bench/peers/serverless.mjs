import { careful } from './careful.mjs'

export const handler = careful()
