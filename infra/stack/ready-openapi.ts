import { brotliCompressSync } from 'node:zlib'
import type { Plugin } from 'esbuild'
import { openApiDocument } from '../../functions/http/openapi.ts'

/**
 * The OpenAPI document is a constant. In a bundle it stands ready made and packed, 20 kB less than what makes it out of
 * the schemas: nobody's client session waits for that to be loaded.
 */
export const readyOpenApi: Plugin = {
  name: 'ready-openapi',
  setup({ onLoad }) {
    onLoad({ filter: /\/functions\/http\/openapi\.ts$/ }, () => {
      const packed = brotliCompressSync(JSON.stringify(openApiDocument())).toString('base64')
      return {
        contents: `export const openApiDocument = () =>
          JSON.parse(process.getBuiltinModule('node:zlib').brotliDecompressSync(Buffer.from('${packed}', 'base64')))`,
      }
    })
  },
}
