import { expect, test } from 'vitest'
import { errorCatalogue } from '../../../src/kernel/error-catalogue.ts'

const introduction = `# Errors

Every error that backstitch throws or records has a code. A code never changes its meaning; its words may. The class is \`BackstitchError\`
(\`code\`, \`message\`, \`retriable\`, \`details\`, \`cause\`); \`isBackstitchError(error, 'SCHEMA_MISSING')\` tells one from another and works
across two installed copies of the package. Each message says what happened, where, and what to do.

*Tries again* says whether the same call can succeed later without anybody’s doing; the processes then try again by themselves.

| Code | What happened | What to do | Tries again |
|---|---|---|---|
`

const cell = (text: string): string => text.replaceAll(/[|<]/g, '\\$&')

test('docs/errors.md lists the catalogue (written by: npx vitest run --project unit test/unit/docs --update)', async () => {
  const rows = Object.entries(errorCatalogue)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([code, { summary, action, retriable }]) =>
        `| \`${code}\` | ${cell(summary)} | ${cell(action)} | ${retriable ? 'yes' : 'no'} |\n`,
    )
  await expect(introduction + rows.join('')).toMatchFileSnapshot('../../../docs/errors.md')
})
