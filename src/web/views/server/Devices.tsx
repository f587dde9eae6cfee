/** Devices and the networks that are loaded there. */
import type { ServerState } from '../../api/server.js';
import { bytes } from '../../parts/shown.js';

export function Devices({ devices }: { devices: ServerState['devices'] }) {
  return (
    <section class="devices" aria-labelledby="devices-title">
      <h2 id="devices-title">Devices</h2>
      {devices.map(({ name, busy, networks }) => (
        <div key={name}>
          <h3>
            {name} <span class="small">{busy ? 'busy' : 'idle'}</span>
          </h3>
          {networks.length === 0 ? (
            <p class="small">No network is loaded.</p>
          ) : (
            <table class="list">
              <caption class="hidden">{`Networks on ${name}`}</caption>
              <thead>
                <tr>
                  <th scope="col">Network</th>
                  <th scope="col">Engine</th>
                  <th scope="col">Computes in</th>
                  <th scope="col">Memory</th>
                  <th scope="col">Restarts</th>
                </tr>
              </thead>
              <tbody>
                {networks.map((network) => (
                  <tr key={network.key}>
                    <td>{network.key}</td>
                    <td>
                      {network.engine} {network.version} <span class="small">{network.device}</span>
                    </td>
                    <td>{network.computeType}</td>
                    <td>{network.memoryBytes === undefined ? '' : bytes(network.memoryBytes)}</td>
                    <td>{network.restarts ?? 0}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      ))}
    </section>
  );
}
