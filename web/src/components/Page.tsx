// The head of a page, and the small pieces that pages are laid out with.
import type { ReactNode } from "react";

interface PageProps {
  title: ReactNode;
  intro?: ReactNode;
  // Buttons beside the title.
  actions?: ReactNode;
  children?: ReactNode;
}

export function Page({ title, intro, actions, children }: PageProps) {
  return (
    <div className="kh-page">
      <header className="kh-page-head">
        <div className="kh-page-title">
          <h1 dir="auto">{title}</h1>
          {intro && <p>{intro}</p>}
        </div>
        {actions && <div className="kh-page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

// Names and values, two columns where there is room.
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="kh-facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="kh-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="kh-section" aria-label={title}>
      <div className="kh-section-head">
        <h2>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
