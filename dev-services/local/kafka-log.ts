/** log4j2 properties: warnings and worse, to the given appender; the server's guard has both streams in its log. */
export function kafkaLogProperties(target: 'SYSTEM_OUT' | 'SYSTEM_ERR'): string {
  return [
    'appender.console.type = Console',
    'appender.console.name = console',
    `appender.console.target = ${target}`,
    'appender.console.layout.type = PatternLayout',
    'appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n',
    'rootLogger.level = warn',
    'rootLogger.appenderRef.console.ref = console',
    '',
  ].join('\n')
}
