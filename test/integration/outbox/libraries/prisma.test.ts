import { PrismaPg } from '@prisma/adapter-pg'
import { testCallerLibrary } from './caller-library.ts'
import { PrismaClient, type PrismaTransaction } from './prisma-client.ts'

testCallerLibrary<PrismaTransaction>('Prisma', async (connectionString) => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 2 }) })
  return {
    database: prisma,
    transaction: (work) => prisma.$transaction(work),
    note: (tx, key) => tx.note.create({ data: { key } }),
    refused: { 'Prisma client': prisma },
    close: () => prisma.$disconnect(),
  }
})
