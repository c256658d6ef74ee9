/** Keys of AWS. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;

  /** Until when they are good: then the SDK asks for others. @defaultValue for ever */
  readonly expiration?: Date;
}

/** How a service of AWS is reached. What is left out the SDK finds in the environment. */
export interface AwsOptions {
  /** @defaultValue `AWS_REGION` */
  readonly region?: string;

  /** Another address of the service: that of a VPC endpoint. @defaultValue the region's, or `AWS_ENDPOINT_URL` */
  readonly endpoint?: string;

  /** Who asks. @defaultValue the role of this process */
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys>);
}
