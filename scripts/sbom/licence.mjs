// Licences of components, as CycloneDX has them and as people read them.

export function named(name) {
  return { license: { name } };
}

function licenceText({ licenses = [] }) {
  return (
    licenses.map(({ expression, license }) => expression ?? license?.id ?? license?.name).join(', ') || 'not stated'
  );
}

export function table(title, components) {
  const rows = components.map(
    (it) => `| ${it.name} | ${it.version ?? ''} | ${licenceText(it).replaceAll('|', '\\|')} |`,
  );
  return [`## ${title}`, '', '| | version | licences |', '|---|---|---|', ...rows, ''].join('\n');
}
